//! The server, as strangers see it: bytes over a socket. It runs in this process, so that what it does is seen.

use crate::choice;
use recurra::Model;
use recurra_server::{Limits, ModelSource, Open, Opened, Settings};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

/// A request: bytes as they are, or a body to one of the routes.
pub fn http(bytes: &[u8]) {
    const ROUTES: [&str; 7] = [
        "POST /v1/solve",
        "POST /v1/check",
        "POST /v2/models/sudoku4/infer",
        "GET /v1/models/sudoku4/generate",
        "POST /v1/solve",
        "POST /mcp",
        "GET /",
    ];
    let Some((form, rest)) = choice(bytes, ROUTES.len() + 2) else {
        return;
    };
    let request = match form.checked_sub(2) {
        None => rest.to_vec(),
        Some(3) => {
            // What stands behind `?` comes to the route as it is.
            let query: String = rest
                .iter()
                .filter(|b| b.is_ascii_graphic())
                .map(|&b| char::from(b))
                .collect();
            format!("GET /v1/models/sudoku4/generate?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").into_bytes()
        }
        Some(route) => {
            let accept = if route == 4 {
                "text/event-stream"
            } else {
                "application/json"
            };
            of_body(ROUTES[route], accept, rest)
        }
    };
    ask(&request);
}

/// A message of the Model Context Protocol.
pub fn mcp(bytes: &[u8]) {
    ask(&of_body(
        "POST /mcp",
        "application/json, text/event-stream",
        bytes,
    ));
}

fn of_body(route: &str, accept: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{route} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nAccept: {accept}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends bytes, and reads what comes until the other side closes.
fn ask(request: &[u8]) {
    let mut stream = UnixStream::connect(socket()).expect("the server listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("it is a duration");
    // It may close before it has read all.
    if stream.write_all(request).is_ok() {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut response = Vec::new();
    if let Err(error) = stream.read_to_end(&mut response) {
        assert_ne!(
            error.kind(),
            std::io::ErrorKind::WouldBlock,
            "no answer within 20 seconds"
        );
    }
    let status = response.get(9..12);
    assert_ne!(
        status,
        Some(&b"500"[..]),
        "{}",
        String::from_utf8_lossy(&response)
    );
}

/// The socket of the server, which is started by the first who asks.
fn socket() -> &'static Path {
    static SOCKET: OnceLock<PathBuf> = OnceLock::new();
    SOCKET.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("recurra-fuzz-{}.socket", std::process::id()));
        let settings = settings(path.clone());
        let open: Open = Arc::new(|source, _| {
            let bytes = include_bytes!("../../../models/sudoku4.safetensors");
            assert_eq!(source.name, "sudoku4");
            Ok(Opened::Puzzles(Box::new(Model::from_bytes(bytes)?)))
        });
        let (opened, is_open) = mpsc::channel();
        std::thread::spawn(move || {
            recurra_server::serve(settings, open, |_| opened.send(()).expect("somebody waits"))
        });
        is_open.recv().expect("the server starts");
        path
    })
}

fn settings(socket: PathBuf) -> Settings {
    Settings {
        models: vec![ModelSource {
            name: "sudoku4".into(),
            file: "sudoku4.safetensors".into(),
            size: None,
            rules: None,
        }],
        unix: Some(socket),
        cache_memory: Some(1),
        mcp: true,
        limits: Limits {
            body: 1 << 14,
            steps: 16,
            restarts: 4,
            side_by_side: 4,
            questions: 16,
            timeout: 2.0,
            ..Limits::default()
        },
        allowed_hosts: vec!["*".into()],
        ..Settings::default()
    }
}
