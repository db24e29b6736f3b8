//! Real sockets: valid and invalid handshakes, clients that vanish, a slow client, the routes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future::IntoFuture,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, protocol::CloseFrame},
};
use topicast::{HttpLimits, Limits, Server, compat};
use topicast_tests::channels::{self, Bar, Bars, Resolution};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn serve(ws: &Server) -> SocketAddr {
    serve_within(ws, HttpLimits::default()).await
}

async fn serve_within(ws: &Server, limits: HttpLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = ws.router("/api/v1/ws");
    tokio::spawn(async move { topicast::serve(listener, router).with_limits(limits).await });
    address
}

/// A limit that no test reaches.
const FOR_EVER: Duration = Duration::from_secs(3600);

async fn connect(address: SocketAddr) -> Socket {
    tokio_tungstenite::connect_async(format!("ws://{address}/api/v1/ws")).await.unwrap().0
}

async fn ask(socket: &mut Socket, message: &Value) -> Value {
    socket.send(Message::text(message.to_string())).await.unwrap();
    serde_json::from_str(&socket.next().await.unwrap().unwrap().into_text().unwrap()).unwrap()
}

/// Sends a raw request and reads the whole response.
async fn request(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

const GOOD: &str = "GET /api/v1/ws HTTP/1.1\nHost: x\nConnection: keep-alive, Upgrade\nUpgrade: WebSocket\n\
                    Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn there_is_room_for_descriptors_before_the_first_newcomer() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    connect(address).await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
    let room: usize = line.trim().parse().unwrap();
    // A new process has room for 64 to 256, and may usually have 1,024 at least.
    assert!(room >= 1024, "room for {room} descriptors");
}

#[tokio::test]
async fn handshakes_that_are_none_are_told_why() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    let check = async |from: &str, to: &str, status: &str, expected: &str| {
        let head = GOOD.replace(from, to).replace("keep-alive, ", "close, ");
        let response = request(address, &head).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{head}\n{response}");
        assert!(response.contains(expected), "{head}\n{response}");
    };
    check("Upgrade: WebSocket\n", "", "426", "upgrade: websocket").await;
    check("keep-alive, Upgrade", "keep-alive, x", "426", r#""code":"upgrade_required""#).await;
    check("Version: 13", "Version: 8", "426", "sec-websocket-version: 13").await;
    check("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n", "", "400", "Sec-WebSocket-Key").await;
    check("Sec-WebSocket-Key: dGhl", "Sec-WebSocket-Key: dG", "400", "Sec-WebSocket-Key").await;
    check("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!!!", "400", "Sec-WebSocket-Key").await;
    check("Host: x\n", "Host: x\nContent-Length: 9\n", "400", "has no body").await;
    check("Host: x\n", "Host: x\nTransfer-Encoding: chunked\n", "400", "has no body").await;
    check("GET", "POST", "405", r#""code":"bad_handshake""#).await;
    check("/ws", "/nothing", "404", "").await;
    ws.shutdown().await;
    check("xyz", "", "503", r#"{"code":"unavailable","message":"the server is going away"}"#).await;
}

#[tokio::test]
async fn the_accept_value_is_that_of_the_rfc() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GOOD.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut response = vec![0; 1024];
    let len = stream.read(&mut response).await.unwrap();
    let response = String::from_utf8_lossy(&response[..len]).to_lowercase();
    assert!(response.starts_with("http/1.1 101"), "{response}");
    assert!(response.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{response}");
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_read() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = GOOD.replace('\n', "\r\n").into_bytes();
    bytes.extend_from_slice(&[0x81, 0x80 | 15, 0, 0, 0, 0]);
    bytes.extend_from_slice(br#"{"type":"ping"}"#);
    stream.write_all(&bytes).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(r#"{"type":"ping.response","payload":{"time":"#) {
        assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
    }
}

#[tokio::test]
async fn clients_that_vanish_cost_nobody_else_anything() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    let mut healthy = connect(address).await;
    for head in ["", "GET /api", &GOOD.replace('\n', "\r\n"), "\u{0}\u{1}\u{2}\r\n\r\n"] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            // A reset instead of an orderly end, as of a client that vanishes.
            stream.set_zero_linger().unwrap();
            drop(stream);
        }
    }
    let reply = ask(&mut healthy, &json!({ "type": "ping", "id": 1 })).await;
    assert_eq!(reply["id"], 1);
    while ws.connections() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_so_though_the_rest_of_it_follows() {
    let (ws, _) = channels::server();
    let mut socket = connect(serve(&ws).await).await;
    socket.send(Message::text("x".repeat(300_000))).await.unwrap();
    let Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) = socket.next().await else {
        panic!("the connection ended without a close frame")
    };
    assert_eq!(u16::from(code), 1009);
}

#[tokio::test]
async fn a_failed_connection_is_ended_by_the_server() {
    let limits = Limits { close_timeout: FOR_EVER, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).build().unwrap();
    let address = serve(&ws).await;
    let long = 200_000_usize;
    let too_big = [&[0x81, 0xff][..], &long.to_be_bytes(), &[0; 4], &vec![b'x'; long]].concat();
    for (bytes, code) in
        [(vec![0x83, 0x80, 0, 0, 0, 0], 1002_u16), (vec![0x88, 0x81, 0, 0, 0, 0, 1], 1002), (too_big, 1009)]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(GOOD.replace('\n', "\r\n").as_bytes()).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        // The stream stays open on this side. The server still ends its side after its close frame,
        // without a reset.
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).await.unwrap();
        let head = seen.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert_eq!((seen[head], &seen[head + 2..head + 4]), (0x88, &code.to_be_bytes()[..]), "{:x?}", &seen[head..]);
        // The server has released the connection, although the client has not closed it.
        while ws.connections() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_client_that_only_sends_no_more_still_reads_its_close_frame() {
    let limits = Limits { close_timeout: FOR_EVER, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).profile(compat::fastws()).build().unwrap();
    let address = serve(&ws).await;
    for bytes in [&[0x81, 0x81, 0, 0, 0, 0, b'x'][..], &[0x83, 0x80, 0, 0, 0, 0], &[0x88, 0x80, 0, 0, 0, 0]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[GOOD.replace('\n', "\r\n").as_bytes(), bytes].concat()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).await.unwrap();
        let head = seen.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(seen.get(head), Some(&0x88), "{:x?}", &seen[head..]);
    }
}

#[tokio::test]
async fn http2_is_not_spoken() {
    let (ws, _) = channels::server();
    let address = serve_within(&ws, HttpLimits { head: FOR_EVER, ..HttpLimits::default() }).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut seen = Vec::new();
    // The end of the stream, or its reset if the server had not read everything.
    let _ = stream.read_to_end(&mut seen).await;
    assert!(seen.is_empty() || seen.starts_with(b"HTTP/1.1 "), "{}", String::from_utf8_lossy(&seen));
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_ends_and_a_websocket_does_not() {
    let (ws, _) = channels::server();
    let limits = HttpLimits { head: Duration::from_millis(100), ..HttpLimits::default() };
    let address = serve_within(&ws, limits).await;
    let mut socket = connect(address).await;
    for head in
        ["", "P", "GET /api/v1/ws/asyncapi.json HTTP/1.1\r\nHost: x\r\n", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"]
    {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(head.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        stranger.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen.starts_with(b"HTTP/1.1 404"), head.contains("none"), "{}", String::from_utf8_lossy(&seen));
    }
    assert_eq!(ask(&mut socket, &json!({ "type": "ping", "id": 1 })).await["id"], 1);
}

#[tokio::test]
async fn idle_strangers_keep_nobody_from_connecting_and_no_shutdown_from_ending() {
    let (ws, _) = channels::server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = topicast::serve(listener, ws.router("/api/v1/ws")).with_graceful_shutdown(async move {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving.into_future());
    let mut strangers = Vec::new();
    for number in 0..200 {
        let mut stranger = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            stranger.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        }
        strangers.push(stranger);
    }
    let began = Instant::now();
    let mut socket = connect(address).await;
    assert_eq!(ask(&mut socket, &json!({ "type": "ping", "id": 1 })).await["id"], 1);
    drop(socket);
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    // Far below the ten seconds that a request in progress may take.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_half_open_socket_ends_with_the_heartbeat() {
    let app = Arc::default();
    let ws = channels::builder(&app).heartbeat(Some(Duration::from_millis(300))).build().unwrap();
    let address = serve(&ws).await;
    let mut half_open = connect(address).await;
    let subscribe = json!({ "type": "bars.subscribe", "payload": { "symbol": "A" } });
    ask(&mut half_open, &subscribe).await;
    // The client keeps the stream but reads and sends nothing, not even an answer to the server's
    // ping.
    let (mut half_open, topic) = (half_open, ws.topics().remove(0).topic);
    while ws.subscribers(&topic) > 0 {
        tokio::task::yield_now().await;
    }
    let close = loop {
        match half_open.next().await.unwrap().unwrap() {
            Message::Close(Some(close)) => break close,
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(close.reason, "Connection timed out. Heartbeat interval 0.3. Max connection lifespan 3600.0");
}

#[tokio::test]
async fn a_slow_consumer_sees_the_code_once_it_reads() {
    let limits = Limits { unsent_bytes: 100_000, ..Limits::default() };
    let app = Arc::default();
    let ws = channels::builder(&app).limits(limits).build().unwrap();
    let address = serve(&ws).await;
    let request = Bars { symbol: "A".into(), resolution: Resolution::M1 };
    let topic = ws.publisher::<Bars>().unwrap().topic(&request).unwrap();

    // A small receive buffer, so that the kernel buffers little for the slow client.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let url = format!("ws://{address}/api/v1/ws");
    let (mut slow, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    slow.send(Message::text(r#"{"type":"bars.subscribe","payload":{"symbol":"A"}}"#)).await.unwrap();
    let mut time = 0;
    while topic.subscribers() == 0 {
        tokio::task::yield_now().await;
    }
    while topic.subscribers() == 1 {
        time += 1;
        topic.publish(&Bar { time, close: 0.0 }).unwrap();
        tokio::task::yield_now().await;
    }
    let mut seen = 0;
    loop {
        match slow.next().await.unwrap().unwrap() {
            Message::Text(text) if text.starts_with(r#"{"type":"bars.update""#) => {
                seen += 1;
                assert!(text.contains(&format!(r#""seq":{seen},"#)), "{text}");
            }
            Message::Text(_) | Message::Ping(_) => {}
            Message::Close(Some(CloseFrame { code, reason })) => {
                assert_eq!((u16::from(code), reason.as_str()), (1013, "This consumer is too slow"));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(seen > 0 && seen < time, "{seen} of {time}");
}

#[tokio::test]
async fn the_documents_and_the_page_are_served() {
    let (ws, _) = channels::server();
    let address = serve(&ws).await;
    let get = async |path: &str| {
        request(address, &format!("GET /api/v1/ws{path} HTTP/1.1\nHost: x\nConnection: close\n\n")).await
    };
    for (path, version) in [("/asyncapi.json", "2.4.0"), ("/asyncapi-3.json", "3.0.0")] {
        let response = get(path).await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(serde_json::from_str::<Value>(body).unwrap()["asyncapi"], version);
    }
    let page = get("/asyncapi").await;
    assert!(page.contains("content-security-policy: default-src 'self'\r\n"), "{page}");
    assert!(page.contains("<html"), "{page}");
    assert!(get("/asyncapi/no-such-file").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn axums_own_serve_works_too() {
    let (ws, _) = channels::server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router: axum::Router = ws.router("/api/v1/ws");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut socket = connect(address).await;
    assert_eq!(ask(&mut socket, &json!({ "type": "ping", "id": 1 })).await["id"], 1);
    assert_eq!(ws.sessions()[0].peer().map(|peer| peer.ip()), Some(address.ip()));
}

#[tokio::test]
async fn a_graceful_shutdown_ends_the_server_and_its_sockets() {
    let (ws, _) = channels::server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = topicast::serve(listener, ws.router("/api/v1/ws")).with_graceful_shutdown({
        let ws = ws.clone();
        async move {
            let _ = stopped.await;
            ws.shutdown().await;
        }
    });
    let serving = tokio::spawn(serving.into_future());
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(connect(address).await);
    }
    stop.send(()).unwrap();
    for mut socket in sockets {
        match socket.next().await {
            Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 1001),
            other => panic!("{other:?}"),
        }
        while let Some(Ok(_)) = socket.next().await {}
    }
    serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
