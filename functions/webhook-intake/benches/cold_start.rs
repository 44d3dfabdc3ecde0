//! From the spawn of each Lambda binary to its first poll of the runtime API, release build,
//! against a function that does nothing, in the same run: `cargo bench -p webhook-intake`.

#![expect(clippy::print_stdout, reason = "a benchmark's answer")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Spawns of each binary; the median counts.
const SPAWNS: usize = 21;
const EMPTY: &str = "empty_lambda";
/// The binaries and how many times the empty one's time each may take.
const BOUNDS: [(&str, f64); 3] =
    [("webhook-intake", 2.0), ("scoring", 3.0), ("metrics-finalizer", 3.0)];

/// What the functions need to start. Invented.
const VARIABLES: [(&str, &str); 15] = [
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "invented"),
    ("AWS_SECRET_ACCESS_KEY", "invented"),
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("SCORING_QUEUE_URL", "http://127.0.0.1/1/scoring.fifo"),
    ("SCORING_DEAD_LETTERS_URL", "http://127.0.0.1/1/scoring-dead-letters.fifo"),
    ("METRICS_QUEUE_URL", "http://127.0.0.1/1/metrics.fifo"),
    ("METRICS_DEAD_LETTERS_URL", "http://127.0.0.1/1/metrics-dead-letters.fifo"),
    ("EVENT_LOG_TABLE", "events"),
    ("WEBHOOK_TOKEN", "invented"),
    ("AIRTABLE_TOKEN", "patInvented"),
    ("APIFY_TOKEN", "invented"),
    ("GEMINI_API_KEY", "invented"),
];

fn main() -> ExitCode {
    build();
    let names: Vec<&str> = std::iter::once(EMPTY).chain(BOUNDS.map(|(name, _)| name)).collect();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); names.len()];
    // Taking turns: whatever else the machine does hits all of them alike.
    for _ in 0..SPAWNS {
        for (name, times) in names.iter().zip(&mut times) {
            times.push(first_poll(name));
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    let empty = medians[0];
    println!("spawn to first poll, median of {SPAWNS}:");
    println!("{EMPTY:<18} {:>6.1} ms", millis(empty));
    let mut kept = true;
    for ((name, bound), median) in BOUNDS.iter().zip(&medians[1..]) {
        let times = median.as_secs_f64() / empty.as_secs_f64();
        let verdict = if times <= *bound { "kept" } else { "EXCEEDED" };
        kept &= times <= *bound;
        println!(
            "{name:<18} {:>6.1} ms  {times:.2}x (at most {bound}x: {verdict})",
            millis(*median)
        );
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn build() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let packages = BOUNDS.iter().flat_map(|(name, _)| ["-p", name]);
    let status = Command::new(cargo)
        .args(["build", "--release", "--bins", "--example", EMPTY])
        .args(packages)
        .current_dir(root())
        .status()
        .expect("cargo can be run");
    assert!(status.success(), "the binaries are built");
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Spawns a binary against a runtime API of our own, and stops it at its first poll.
fn first_poll(name: &str) -> Duration {
    let api = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = api.local_addr().expect("a bound port has an address").to_string();
    let started = Instant::now();
    let folder = target().join(if name == EMPTY { "release/examples" } else { "release" });
    let mut function = Command::new(folder.join(name))
        .env_clear()
        .envs(VARIABLES)
        .env("MASTER_BASE_ID", "appMaster00000001")
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary can be run");
    let elapsed = wait_for_poll(&api, &mut function, name, started);
    function.kill().expect("the function can be stopped");
    function.wait().expect("the function ends");
    elapsed
}

fn wait_for_poll(
    api: &TcpListener,
    function: &mut Child,
    name: &str,
    started: Instant,
) -> Duration {
    api.set_nonblocking(true).expect("a socket that does not block");
    loop {
        match api.accept() {
            Ok((stream, _)) => {
                if is_poll(stream) {
                    return started.elapsed();
                }
            }
            Err(_) => {
                let ended = function.try_wait().expect("the function can be asked");
                assert!(ended.is_none(), "{name} ended before its first poll: {ended:?}");
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

fn is_poll(mut stream: TcpStream) -> bool {
    stream.set_nonblocking(false).expect("a socket that blocks");
    let mut request = [0; 64];
    let read = stream.read(&mut request).expect("the function's request");
    let is_poll = String::from_utf8_lossy(&request[..read]).contains("/runtime/invocation/next");
    if !is_poll {
        let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).expect("an answer");
    }
    is_poll
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
