# Follows what the bot does on Telegram: the log that run.ps1 writes, only the
# channel's lines, with everything personal masked.
#   .\logtele.ps1 [log file]
$ErrorActionPreference = 'Stop'
Set-Location -LiteralPath $PSScriptRoot
$log = if ($args.Count -gt 0) { $args[0] } else { 'logs\server.log' }
& (Join-Path $PSScriptRoot 'target\release\sapa.exe') logs $log --channel telegram --follow
exit $LASTEXITCODE
