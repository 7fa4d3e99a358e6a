# As run.sh, for Windows PowerShell: builds, trains, starts the action service
# and the server, opens a chat, and stops both when the chat ends.
#   .\run.ps1 [flags of `sapa shell`]        SAPA_PORT: port of the server (5005)
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot
$actionsPort = 5055
$serverPort = if ($env:SAPA_PORT) { [int]$env:SAPA_PORT } else { 5005 }
if ($serverPort -eq $actionsPort) { throw "SAPA_PORT cannot be ${actionsPort}: the action service listens there" }
$bin = Join-Path $PSScriptRoot 'target\release'
$started = @()
$exported = @()

function Test-Taken([int]$port) {
    $client = New-Object Net.Sockets.TcpClient
    try { $client.Connect('127.0.0.1', $port); $true } catch { $false } finally { $client.Close() }
}

function Start-Logged([string]$program, [string[]]$arguments, [string]$log) {
    Start-Process -FilePath (Join-Path $bin $program) -ArgumentList $arguments -NoNewWindow -PassThru `
        -RedirectStandardOutput "logs\$log.out.log" -RedirectStandardError "logs\$log.log"
}

function Wait-Healthy([string]$name, $process, [int]$port, [string]$log) {
    $deadline = (Get-Date).AddSeconds(30)
    while (-not $process.HasExited -and (Get-Date) -lt $deadline) {
        try {
            $answer = Invoke-WebRequest -UseBasicParsing -TimeoutSec 2 -Uri "http://127.0.0.1:$port/health"
            if ($answer.StatusCode -eq 200) { return }
        } catch { }
        Start-Sleep -Milliseconds 100
    }
    Get-Content -Tail 40 "logs\$log.log"
    throw "the $name did not start; the end of logs\$log.log stands above"
}

function Remove-Exported {
    foreach ($name in $exported) { Remove-Item "env:$name" -ErrorAction SilentlyContinue }
}

foreach ($port in $actionsPort, $serverPort) {
    if (Test-Taken $port) { throw "port $port is taken; stop the program that uses it (the server's port: SAPA_PORT)" }
}
cargo build --release --workspace --bins
if ($LASTEXITCODE) { exit $LASTEXITCODE }
& "$bin\sapa.exe" train
if ($LASTEXITCODE) { exit $LASTEXITCODE }
New-Item -ItemType Directory -Force logs | Out-Null

$code = 1
try {
    # The NAME=value lines of .env go to the action service only, and never over
    # what is set already. `sapa` reads .env itself.
    if (Test-Path .env) {
        foreach ($line in Get-Content -Encoding UTF8 .env) {
            if ($line -notmatch '^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$') { continue }
            $name, $value = $Matches[1], $Matches[2]
            if (Test-Path "env:$name") { continue }
            if ($value -match '^"([^"]*)"\s*(#.*)?$' -or $value -match "^'([^']*)'\s*(#.*)?$") { $value = $Matches[1] }
            else { $value = ($value -replace '\s#.*$', '').TrimEnd() }
            # An empty variable is none on Windows.
            if ($value -eq '') { continue }
            [Environment]::SetEnvironmentVariable($name, $value)
            $exported += $name
        }
    }
    $actions = Start-Logged 'helpdesk-actions.exe' @('run') 'actions'
    $started += $actions
    Remove-Exported
    $server = Start-Logged 'sapa.exe' @('run', '--enable-api', '--interface', '127.0.0.1', '--port', "$serverPort") 'server'
    $started += $server
    Wait-Healthy 'action service' $actions $actionsPort 'actions'
    Wait-Healthy 'server' $server $serverPort 'server'
    Write-Host "`nHalo! Bot siap: ketik pesan Anda di bawah ini. / The bot is ready: type below, or POST to http://127.0.0.1:$serverPort/webhooks/rest/webhook`n"
    & "$bin\sapa.exe" shell @args
    $code = $LASTEXITCODE
} finally {
    # Secrets do not stay in this session, also when a start failed.
    Remove-Exported
    # The server goes first: a turn under way may need the action service. Windows
    # has no SIGTERM: they are ended as if the power went, which the databases bear.
    [array]::Reverse($started)
    foreach ($process in $started) {
        if (-not $process.HasExited) { Stop-Process -Id $process.Id -Force -ErrorAction SilentlyContinue }
        $process.WaitForExit()
    }
}
exit $code
