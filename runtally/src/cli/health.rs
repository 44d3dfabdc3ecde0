//! `runtally health`: whether a server on this machine answers, for programs that restart
//! containers.

use crate::result::{CommandResult, Hinted};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// Longest time for connecting, and for each step after that.
const PATIENCE: Duration = Duration::from_secs(3);

/// Options of `runtally health`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Port of the server
    #[arg(long, default_value_t = 9100)]
    port: u16,
}

/// Sends the webhook's server a request that it refuses at once, however busy it is.
///
/// # Errors
/// When nothing answers, or the answer is not HTTP.
#[expect(clippy::unused_async, reason = "all commands are")]
pub async fn run(options: &Options) -> CommandResult {
    let answer = ask(options.port).map_err(|error| {
        let message = format!("nothing answers on port {} of this machine: {error}", options.port);
        Hinted::new(message, "start `runtally serve`, or name its port with --port")
    })?;
    if !answer.starts_with(b"HTTP/1.1 405") {
        let message = format!("what answers on port {} is not `runtally serve`", options.port);
        return Err(Hinted::new(message, "name the port of `runtally serve` with --port"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first bytes of the answer.
fn ask(port: u16) -> std::io::Result<[u8; 12]> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /runs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What a health check says of a server that answers `reply`.
    async fn checked(reply: &'static str) -> bool {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 64];
            assert!(stream.read(&mut asked).unwrap() > 0);
            stream.write_all(reply.as_bytes()).unwrap();
        });
        let healthy = run(&Options { port }).await.is_ok();
        server.join().unwrap();
        healthy
    }

    #[tokio::test]
    async fn a_server_that_refuses_to_be_read_is_healthy_and_anything_else_is_not() {
        assert!(checked("HTTP/1.1 405 Method Not Allowed\r\n\r\n").await);
        assert!(!checked("HTTP/1.1 200 OK\r\n\r\nsomebody else").await);
        assert!(!checked("").await);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        assert!(run(&Options { port: free.port() }).await.is_err(), "nobody listens any more");
    }
}
