//! A scripted HTTP server on the loopback interface, for the adapters' tests.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone)]
pub(super) enum Reply {
    /// Answers with a status, header lines and a body.
    Http(u16, String, String),
    /// Answers with a body compressed with gzip.
    Gzip(&'static [u8]),
    HangUp,
    /// Answers with a head that announces a body, but never sends the whole body.
    StallInBody,
}

impl Reply {
    pub(super) fn json(body: &str) -> Self {
        Self::Http(200, "content-type: application/x-amz-json-1.0\r\n".to_owned(), body.to_owned())
    }

    /// An error of an AWS service.
    #[cfg(feature = "aws")]
    pub(super) fn refusal(error_type: &str, message: &str) -> Self {
        let full_type = format!("com.amazonaws#{error_type}");
        let body = serde_json::json!({"__type": full_type, "message": message}).to_string();
        Self::Http(400, "content-type: application/x-amz-json-1.0\r\n".to_owned(), body)
    }
}

pub(super) struct Loopback {
    pub(super) origin: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Loopback {
    /// Answers each request with the next of `replies`, and repeats the last one.
    pub(super) async fn serving(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut replies = replies.into_iter().peekable();
            let mut last = Reply::HangUp;
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                seen.lock().unwrap().push(request);
                last = replies.next().unwrap_or(last);
                tokio::spawn(answer(stream, last.clone()));
            }
        });
        Self { origin, requests }
    }

    /// The requests so far: head and body, in lower case except the bodies.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The AWS operations requested so far, in lower case, sorted and without duplicates.
    #[cfg(feature = "aws")]
    pub(super) fn operations(&self) -> Vec<String> {
        let of = |request: &String| {
            let (_, target) = request.split_once("x-amz-target: ")?;
            Some(target.lines().next()?.split_once('.')?.1.to_owned())
        };
        let mut operations: Vec<String> = self.requests().iter().filter_map(of).collect();
        operations.sort();
        operations.dedup();
        operations
    }

    #[cfg(feature = "aws")]
    pub(super) fn bodies(&self) -> Vec<serde_json::Value> {
        self.requests()
            .iter()
            .map(|request| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap())
            .collect()
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
                return format!("{head}\r\n\r\n{body}");
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return String::from_utf8(bytes).unwrap();
        }
    }
}

async fn answer(mut stream: TcpStream, reply: Reply) {
    match reply {
        Reply::Http(status, headers, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            // A client that has read enough may close the connection early.
            stream.write_all(answer.as_bytes()).await.ok();
        }
        Reply::Gzip(body) => {
            let head = format!(
                "HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        }
        Reply::HangUp => {}
        Reply::StallInBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}
