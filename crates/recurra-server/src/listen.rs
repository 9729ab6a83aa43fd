//! Connections: TCP, TLS and Unix sockets, of which there are only so many, and how a stop lets them end.

use crate::measure::Connected;
use crate::settings::{Settings, TlsFiles};
use anyhow::{Context, anyhow};
use axum::Router;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tower::ServiceExt;

/// The address at the other end, where it has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

/// Where it listens.
pub(crate) struct Doors {
    tcp: Option<TcpListener>,
    unix: Option<(UnixListener, PathBuf)>,
    tls: Option<TlsAcceptor>,
}

impl Doors {
    /// Opens them.
    pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let tls = settings.tls.as_ref().map(acceptor).transpose()?;
        let tcp = match settings.listen {
            Some(at) => {
                let bound = TcpListener::bind(at).await;
                Some(bound.map_err(|e| anyhow!("{at}: {e}"))?)
            }
            None => None,
        };
        let unix = match &settings.unix {
            Some(path) => Some((bind_unix(path).await?, path.clone())),
            None => None,
        };
        if tcp.is_none() && unix.is_none() {
            return Err(anyhow!(
                "expected an address or a Unix socket to listen at, found none"
            ));
        }
        Ok(Doors { tcp, unix, tls })
    }

    /// Where it listens, for people and programs that read it.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let tcp = self.tcp.as_ref().and_then(|tcp| tcp.local_addr().ok());
        let unix = self
            .unix
            .as_ref()
            .map(|(_, path)| format!("unix:{}", path.display()));
        tcp.map(|at| format!("{scheme}://{at}"))
            .into_iter()
            .chain(unix)
            .collect()
    }

    /// Serves until `stop` says so; then takes no more connections, lets those that are there end, and returns when all have
    /// or the patience is over.
    pub(crate) async fn serve(
        self,
        router: Router,
        settings: &Settings,
        mut stop: watch::Receiver<bool>,
    ) {
        let limits = settings.limits;
        let room = Arc::new(Semaphore::new(limits.connections));
        let patience = Duration::from_secs_f64(limits.head_timeout);
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_buf_size(64 << 10);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(patience))
            .max_concurrent_streams(256);
        let house = Arc::new(House {
            router,
            builder,
            patience,
        });
        let graceful = GracefulShutdown::new();
        loop {
            let permit = tokio::select! {
                permit = room.clone().acquire_owned() => permit.expect("it is never closed"),
                _ = stop.wait_for(|stop| *stop) => break,
            };
            tokio::select! {
                Some((stream, from)) = accept_tcp(self.tcp.as_ref()) => {
                    stream.set_nodelay(true).ok();
                    let (house, tls, watcher) = (house.clone(), self.tls.clone(), graceful.watcher());
                    tokio::spawn(async move { house.greet(stream, from, tls, watcher, permit).await });
                }
                Some(stream) = accept_unix(self.unix.as_ref()) => {
                    let (house, watcher) = (house.clone(), graceful.watcher());
                    tokio::spawn(async move { house.talk(stream, Peer(None), watcher, permit).await });
                }
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        let Doors { tcp, unix, tls } = self;
        // Who has got through to this machine is let in: closing the door would throw them out.
        if let Some(tcp) = tcp.and_then(|tcp| tcp.into_std().ok()) {
            while let Ok((stream, from)) = tcp.accept() {
                let Ok(permit) = room.clone().try_acquire_owned() else {
                    break;
                };
                let stream = stream
                    .set_nonblocking(true)
                    .and_then(|()| TcpStream::from_std(stream));
                let Ok(stream) = stream else { continue };
                let (house, tls, watcher) = (house.clone(), tls.clone(), graceful.watcher());
                tokio::spawn(async move { house.greet(stream, from, tls, watcher, permit).await });
            }
        }
        if let Some((unix, path)) = unix {
            drop(unix);
            std::fs::remove_file(path).ok();
        }
        // What they ask is on its way; a shutdown closes those who have not asked yet.
        tokio::time::sleep(LATE).await;
        let patience = Duration::from_secs_f64(limits.drain);
        if tokio::time::timeout(patience, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not end in time");
        }
    }
}

/// How long requests of new connections may be on their way when the server stops.
const LATE: Duration = Duration::from_millis(200);

/// What connections share.
struct House {
    router: Router,
    builder: Builder<TokioExecutor>,
    patience: Duration,
}

impl House {
    /// Takes a TCP connection, by TLS if that is asked for.
    async fn greet(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        tls: Option<TlsAcceptor>,
        watcher: Watcher,
        permit: OwnedSemaphorePermit,
    ) {
        let peer = Peer(Some(from.ip()));
        match tls {
            None => self.talk(stream, peer, watcher, permit).await,
            Some(tls) => {
                let shaken = tokio::time::timeout(self.patience, tls.accept(stream)).await;
                if let Ok(Ok(stream)) = shaken {
                    self.talk(stream, peer, watcher, permit).await;
                }
            }
        }
    }

    /// Serves a connection until it ends.
    async fn talk<S>(&self, stream: S, peer: Peer, watcher: Watcher, permit: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let counted = Connected::new();
        let router = self.router.clone();
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let connection = watcher.watch(connection.into_owned());
        // What clients do to their connections is no event.
        connection.await.ok();
        drop((counted, permit));
    }
}

async fn accept_tcp(door: Option<&TcpListener>) -> Option<(TcpStream, SocketAddr)> {
    let door = match door {
        Some(door) => door,
        None => return std::future::pending().await,
    };
    loop {
        match door.accept().await {
            Ok(accepted) => return Some(accepted),
            // No file handles are left, or the client is gone already: others come.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn accept_unix(door: Option<&(UnixListener, PathBuf)>) -> Option<tokio::net::UnixStream> {
    let (door, _) = match door {
        Some(door) => door,
        None => return std::future::pending().await,
    };
    loop {
        match door.accept().await {
            Ok((stream, _)) => return Some(stream),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Binds a Unix socket; one that a dead process left is taken away.
async fn bind_unix(path: &PathBuf) -> anyhow::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt;
    let left = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if left && tokio::net::UnixStream::connect(path).await.is_err() {
        std::fs::remove_file(path).ok();
    }
    UnixListener::bind(path).map_err(|e| anyhow!("{}: {e}", path.display()))
}

fn acceptor(files: &TlsFiles) -> anyhow::Result<TlsAcceptor> {
    let named = |path: &PathBuf| path.display().to_string();
    let certs =
        CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certs = certs.map_err(|e| anyhow!("{}: {e}", named(&files.cert)))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| anyhow!("{}: {e}", named(&files.key)))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certs, key)
        .with_context(|| named(&files.cert))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
