//! The listening socket: bounds on what a client may hold open. `axum::serve`
//! waits for ever for a client that sends half a request.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service as _;

use super::{MOST_BODY, error};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a request's head, from the end of the answer before: a connection that
    /// is not used closes then.
    pub head: Duration,
    /// For a request's body, all of it.
    pub body: Duration,
    /// For the answer, all of a turn.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), body: Duration::from_secs(30), answer: Duration::from_secs(3_600) }
    }
}

/// Once told to stop, the server waits until nobody has come for so long, but not for
/// ever.
const QUIET: Duration = Duration::from_millis(50);
const LAST_CALL: Duration = Duration::from_secs(3);

/// Where they come without a pause, the door is closed in a moment in which none is
/// there; it is looked for until so long after the last call.
const MOMENT: Duration = Duration::from_millis(1);
const CLOSES_WITHIN: Duration = Duration::from_secs(1);

/// Connections at once, where the system allows as many open files.
const MOST_CONNECTIONS: usize = 10_000;

/// Open files that are left for the store, models and other servers.
const OTHER_FILES: usize = 128;

/// Bodies of at most so many bytes are not counted.
const SMALL_BODY: usize = 16 << 10;

/// What all larger bodies that are on their way or being worked on may take
/// together, KiB.
const BODIES_KIB: usize = 64 << 10;

/// Serves until `stop` is over and what is under way is done. A connection that
/// cannot be taken is tried again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    tls: Option<TlsAcceptor>,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(Semaphore::new(most_connections()));
    let bodies = Arc::new(Semaphore::new(BODIES_KIB));
    let open = GracefulShutdown::new();
    let mut stop = pin!(stop);
    let (mut last_call, is_stopping) = (None, Arc::new(AtomicBool::new(false)));
    loop {
        let taken = match last_call {
            None => tokio::select! {
                taken = next(&listener, &connections) => Some(taken),
                () = &mut stop => {
                    last_call = Some(Instant::now() + LAST_CALL);
                    is_stopping.store(true, Ordering::Relaxed);
                    continue;
                }
            },
            // Who stands in the queue already is let in, too: a closed door would cut
            // them off. Balancers see in `/health` that nobody is to come.
            Some(until) if Instant::now() < until => {
                tokio::time::timeout(QUIET, next(&listener, &connections)).await.ok()
            }
            Some(until) if Instant::now() < until + CLOSES_WITHIN => {
                tokio::time::timeout(MOMENT, next(&listener, &connections)).await.ok()
            }
            Some(_) => None,
        };
        let Some((stream, place)) = taken else { break };
        // Answers are written at once and whole; a failure costs latency only.
        let _ = stream.set_nodelay(true);
        let (router, bodies, tls) = (router.clone(), Arc::clone(&bodies), tls.clone());
        let is_stopping = Arc::clone(&is_stopping);
        let service = service_fn(move |request| {
            let answered = answer(router.clone(), Arc::clone(&bodies), patience, request);
            last_on_its_connection(answered, Arc::clone(&is_stopping))
        });
        let watcher = open.watcher();
        tokio::spawn(async move {
            let _place = place;
            let outcome = match tls {
                None => watcher.watch(connection(stream, service, patience)).await.map_err(io::Error::other),
                Some(tls) => match encrypted(&tls, stream, patience).await {
                    Ok(stream) => watcher.watch(connection(stream, service, patience)).await.map_err(io::Error::other),
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// Once the server is told to stop, an answer is the last one of its connection: a
/// balancer that keeps connections must not send a request down one that closes.
async fn last_on_its_connection(
    answered: impl Future<Output = Result<Response, Infallible>>,
    is_stopping: Arc<AtomicBool>,
) -> Result<Response, Infallible> {
    let mut answer = answered.await?;
    if is_stopping.load(Ordering::Relaxed) {
        answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    Ok(answer)
}

fn connection<Stream, Service>(
    stream: Stream,
    service: Service,
    patience: Patience,
) -> http1::Connection<TokioIo<Stream>, Service>
where
    Stream: AsyncRead + AsyncWrite + Unpin,
    Service: hyper::service::HttpService<Incoming, ResBody = Body>,
    Service::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .serve_connection(TokioIo::new(stream), service)
}

/// The stream behind its handshake, which may take as long as a request's head.
async fn encrypted(tls: &TlsAcceptor, stream: TcpStream, patience: Patience) -> io::Result<TlsStream<TcpStream>> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake did not end in time");
    tokio::time::timeout(patience.head, tls.accept(stream)).await.map_err(|_| late())?
}

/// The next connection, once there is room for it.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            // It is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken; trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// As many as the limit on open files leaves room for.
fn most_connections() -> usize {
    let files = open_files().unwrap_or(1_024);
    MOST_CONNECTIONS.min(files.saturating_sub(OTHER_FILES)).max(files.min(64))
}

/// The soft limit on open files (`RLIMIT_NOFILE`, proc(5)).
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

async fn answer(
    mut router: Router,
    bodies: Arc<Semaphore>,
    patience: Patience,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let _room = match room_for(&request, bodies) {
        Ok(room) => room,
        Err(()) => {
            let busy = (StatusCode::SERVICE_UNAVAILABLE, "too many large requests at once; try again\n");
            return Ok(busy.into_response());
        }
    };
    let request = request.map(|body| Body::new(Timed { body, patience: patience.body, deadline: None }));
    match tokio::time::timeout(patience.answer, router.call(request)).await {
        Ok(answer) => answer,
        Err(_) => Ok(error::response_timeout()),
    }
}

/// Room for a large body, as long as it is being received and worked on.
fn room_for(request: &Request<Incoming>, bodies: Arc<Semaphore>) -> Result<Option<OwnedSemaphorePermit>, ()> {
    if request.body().is_end_stream() {
        return Ok(None);
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let bytes: usize = announced.unwrap_or(MOST_BODY);
    // What is announced as too large is refused before it comes.
    if bytes <= SMALL_BODY || bytes > MOST_BODY {
        return Ok(None);
    }
    let kib = u32::try_from(bytes.div_ceil(1 << 10)).map_err(drop)?;
    bodies.try_acquire_many_owned(kib).map(Some).map_err(drop)
}

/// A body that fails when it does not come in time.
struct Timed {
    body: Incoming,
    patience: Duration,
    /// Set when it is first waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(deadline.as_mut().poll(context));
        let late = io::Error::new(io::ErrorKind::TimedOut, "the body did not come in time");
        Poll::Ready(Some(Err(axum::Error::new(late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a server with little patience says to these bytes, until it closes.
    async fn said_to(request: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(async |body: Bytes| format!("{} bytes", body.len())));
        let patience =
            Patience { head: Duration::from_millis(200), body: Duration::from_millis(200), ..Patience::default() };
        let server = tokio::spawn(serve(listener, router, patience, None, std::future::pending()));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        server.abort();
        said
    }

    #[tokio::test]
    async fn a_whole_request_is_answered_and_the_idle_connection_closed() {
        let said = said_to("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab").await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("2 bytes"), "{said}");
    }

    #[tokio::test]
    async fn half_a_head_and_half_a_body_are_not_waited_for() {
        said_to("POST / HTTP/1.1\r\nhost: a\r\n").await;
        let said = said_to("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\nab").await;
        assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    }

    #[tokio::test]
    async fn once_told_to_stop_an_answer_is_the_last_one_of_its_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(async || "served"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopping = async { drop(stopped.await) };
        let server = tokio::spawn(serve(listener, router, Patience::default(), None, stopping));
        let mut kept = TcpStream::connect(address).await.unwrap();
        let request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
        kept.write_all(request).await.unwrap();
        let mut first = [0; 1_024];
        let length = kept.read(&mut first).await.unwrap();
        let first = String::from_utf8_lossy(&first[..length]);
        assert!(first.ends_with("served") && !first.contains("connection: close"), "{first}");
        stop.send(()).unwrap();
        // Who comes after that is let in all the same.
        let mut late = TcpStream::connect(address).await.unwrap();
        for client in [&mut kept, &mut late] {
            client.write_all(request).await.unwrap();
            let mut said = String::new();
            client.read_to_string(&mut said).await.unwrap();
            assert!(said.contains("connection: close") && said.ends_with("served"), "{said}");
        }
        server.await.unwrap();
    }

    #[test]
    fn the_systems_limit_on_open_files_is_known() {
        assert!(!cfg!(target_os = "linux") || open_files().is_some_and(|files| files > 0));
        assert!((1..=MOST_CONNECTIONS).contains(&most_connections()));
    }
}
