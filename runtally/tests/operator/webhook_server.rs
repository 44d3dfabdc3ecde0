//! The webhook's server under requests of a hostile sender.

use crate::world::World;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TOKEN: &str = "authorization: bearer invented-webhook-token\r\n";
const TEST_EVENT: &str = r#"{"eventType":"TEST"}"#;
/// Longest time of a test, so that one that hangs ends.
const HANGS_AFTER: Duration = Duration::from_mins(2);

/// What the server sends for `request`, until the head and the body of an answer are complete.
async fn exchange(address: SocketAddr, request: &[u8]) -> (String, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    tokio::time::timeout(HANGS_AFTER, answer(&mut stream)).await.expect("an answer")
}

async fn answer(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            let (from, length) = (head.len() + 4, length.parse::<usize>().unwrap());
            if bytes.len() >= from + length {
                return (head.to_owned(), serde_json::from_slice(&bytes[from..]).unwrap());
            }
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "closed after {text:?}");
    }
}

fn head(line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").into_bytes()
}

async fn address_of(world: &World) -> SocketAddr {
    world.url().trim_start_matches("http://").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_head_says_is_answered_before_the_body_comes() {
    let world = World::sound().await;
    let address = address_of(&world).await;
    let hook = "POST /webhooks/apify";
    // The body is never sent.
    let long = "content-length: 5000000\r\n";
    for (line, headers, status, kind, header) in [
        (hook, long.to_owned(), 401, "UNAUTHORIZED", "www-authenticate: bearer"),
        (hook, format!("{TOKEN}{long}"), 413, "BODY_TOO_LARGE", ""),
        (hook, format!("{TOKEN}content-encoding: gzip\r\n{long}"), 415, "BODY_ENCODED", ""),
        ("PUT /webhooks/apify", format!("{TOKEN}{long}"), 405, "METHOD_NOT_ALLOWED", "allow: post"),
        ("POST /elsewhere", format!("{TOKEN}{long}"), 404, "NOT_FOUND", ""),
    ] {
        let (head, body) = exchange(address, &head(line, &headers)).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{line}: {head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains(header), "{head}");
        assert_eq!(body["error"]["type"], kind, "{line}: {body}");
        assert!(body["error"]["message"].is_string(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_in_json_too() {
    let world = World::sound().await;
    let address = address_of(&world).await;
    let long = format!("x-long: {}\r\n", "x".repeat(400_000));
    for (request, status, kind) in [
        (b"this is no request at all\r\n\r\n".to_vec(), 400, "MALFORMED_REQUEST"),
        (head("POST /webhooks/apify", "content-length: -1\r\n"), 400, "MALFORMED_REQUEST"),
        (head("POST /webhooks/apify", &long), 431, "HEADERS_TOO_LARGE"),
    ] {
        let (head, body) = exchange(address, &request).await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{kind} {status}: {head}");
        assert_eq!(body["error"]["type"], kind, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_becomes_too_large_is_refused_while_it_comes() {
    let world = World::sound().await;
    let mut request =
        head("POST /webhooks/apify", &format!("{TOKEN}transfer-encoding: chunked\r\n"));
    for _ in 0..20 {
        request.extend(b"10000\r\n");
        request.extend(vec![b' '; 0x1_0000]);
        request.extend(b"\r\n");
    }
    let (head, body) = exchange(address_of(&world).await, &request).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    assert_eq!(body["error"]["type"], "BODY_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_never_end_their_requests_keep_nobody_out() {
    let world = World::sound().await;
    let address = address_of(&world).await;
    let mut half_open = Vec::new();
    for _ in 0..230 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST /webhooks/apify HTTP/1.1\r\nhost: ").await.unwrap();
        half_open.push(stream);
    }
    let length = format!("{TOKEN}content-length: {}\r\n", TEST_EVENT.len());
    let mut request = head("POST /webhooks/apify", &length);
    request.extend(TEST_EVENT.as_bytes());
    let (head, _) = exchange(address, &request).await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    // The oldest connection was closed to make room.
    let mut byte = [0; 1];
    let read = tokio::time::timeout(HANGS_AFTER, half_open[0].read(&mut byte)).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}
