//! A wire to the server that breaks where a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};

/// Where the wire breaks next.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub enum Break {
    Nowhere,
    /// The next statement does not reach the server.
    Request,
    /// The server does the next statement, and its answer is lost.
    Answer,
}

/// A wire with a break in it.
pub struct Proxy {
    pub port: u16,
    wanted: Arc<AtomicU8>,
    broken: watch::Receiver<bool>,
    door: Arc<Mutex<()>>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (wanted, door) = (Arc::new(AtomicU8::new(Break::Nowhere as u8)), Arc::new(Mutex::new(())));
        let (tell, broken) = watch::channel(false);
        let proxy =
            Self { port: listener.local_addr().unwrap().port(), wanted: wanted.clone(), broken, door: door.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Closed while a test does something in between.
                drop(door.lock().await);
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(client, server, wanted.clone(), tell.clone()));
            }
        });
        proxy
    }

    /// The wire breaks at the next statement, once.
    pub fn breaks_at(&self, place: Break) {
        self.wanted.store(place as u8, Ordering::SeqCst);
    }

    /// No new connection until this is dropped.
    pub async fn shut(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.door.lock().await
    }

    /// Waits until the wire has broken.
    pub async fn broken(&self) {
        self.broken.clone().wait_for(|broken| *broken).await.unwrap();
    }
}

/// `Bind`: the first message of a statement that is prepared already.
const BIND: u8 = b'B';

/// `ReadyForQuery`: the end of an answer, but for the byte that follows.
const READY: &[u8] = b"Z\0\0\0\x05";

async fn carry(mut client: TcpStream, mut server: TcpStream, wanted: Arc<AtomicU8>, tell: watch::Sender<bool>) {
    let (mut asked, mut answered) = ([0; 65_536], [0; 65_536]);
    let mut swallowing = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                if asked[0] == BIND {
                    let place = wanted.swap(Break::Nowhere as u8, Ordering::SeqCst);
                    if place == Break::Request as u8 {
                        let _ = tell.send(true);
                        return;
                    }
                    swallowing |= place == Break::Answer as u8;
                }
                if server.write_all(&asked[..length]).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                let answer = &answered[..length];
                if !swallowing {
                    if client.write_all(answer).await.is_err() { return }
                } else if answer[..length - 1].ends_with(READY) {
                    let _ = tell.send(true);
                    return;
                }
            }
        }
    }
}
