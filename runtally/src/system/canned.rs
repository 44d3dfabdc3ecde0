//! A connection that answers malformed requests in JSON, too. hyper refuses them on its own,
//! without a body.

use serde_json::json;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Passes on what hyper writes, and adds a body if hyper itself refuses a request.
pub(super) struct Canned<S> {
    stream: S,
    /// The rest of a refusal that is not written yet.
    left: Vec<u8>,
}

impl<S: AsyncWrite + Unpin> Canned<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, left: Vec::new() }
    }

    fn write_left(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.left.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.left))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.left.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Canned<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Canned<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write_left(context))?;
        if let Some(refusal) = with_a_body(bytes) {
            self.left = refusal;
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.write_left(context))?;
        if let [head] = slices
            && let Some(refusal) = with_a_body(head)
        {
            self.left = refusal;
            return Poll::Ready(Ok(head.len()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_left(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_left(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A refusal of hyper with a body; `None` for any other answer. All others have a content type.
fn with_a_body(bytes: &[u8]) -> Option<Vec<u8>> {
    const EMPTY: &str = "content-length: 0\r\n";
    let head = std::str::from_utf8(bytes).ok()?;
    let (kind, message) = match head.strip_prefix("HTTP/1.1 ")?.get(..3)? {
        "400" => ("MALFORMED_REQUEST", "this is not an HTTP/1.1 request"),
        "414" => ("URI_TOO_LONG", "the path is too long"),
        "431" => ("HEADERS_TOO_LARGE", "the headers are too large"),
        _ => return None,
    };
    let lower = head.to_ascii_lowercase();
    if !lower.contains(EMPTY) || lower.contains("content-type") || !lower.ends_with("\r\n\r\n") {
        return None;
    }
    let body = json!({"error": {"type": kind, "message": message}}).to_string();
    let (line, rest) = head.split_once("\r\n")?;
    let at = lower.find(EMPTY)? - line.len() - 2;
    let (before, after) = (&rest[..at], &rest[at + EMPTY.len()..]);
    let length = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    Some([line, "\r\n", before, &length, after, &body].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_refuses_by_itself_gets_a_body() {
        let refused = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
            content-length: 0\r\ndate: today\r\n\r\n";
        let told = String::from_utf8(with_a_body(refused).unwrap()).unwrap();
        let (head, body) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: "), "{head}");
        assert!(
            head.ends_with(&format!("content-length: {}\r\ndate: today", body.len())),
            "{head}"
        );
        assert!(body.contains("HEADERS_TOO_LARGE"), "{body}");
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}",
            "{\"error\":1}",
            "",
        ] {
            assert_eq!(with_a_body(other.as_bytes()), None, "{other}");
        }
    }
}
