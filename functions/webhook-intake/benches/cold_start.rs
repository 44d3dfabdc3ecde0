//! The time from the spawn of each Lambda binary to its first poll of the runtime API. The binaries
//! are built as for AWS, and compared with a function that does nothing in the same run: `cargo
//! bench -p webhook-intake --bench cold_start`.
//!
//! The functions read their secret before the poll, as on AWS. The secret is returned at once, so
//! that only their own time is measured. They are also measured without a secret.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The build profile of the functions on AWS (Cargo.toml).
const PROFILE: &str = "deploy";
/// Spawns of each binary. The first decile counts, because other work on the machine only adds
/// time, and more to longer times.
const SPAWNS: usize = 201;
/// How long to wait for a first poll.
const PATIENCE: Duration = Duration::from_secs(10);
const EMPTY: &str = "empty_lambda";
/// The binaries, and how many times as long as the empty one each may take.
const BOUNDS: [(&str, f64); 3] =
    [("webhook-intake", 1.5), ("scoring", 2.5), ("metrics-finalizer", 2.5)];

/// A function's secret, in the format of Secrets Manager. Invented.
const SECRET: &str = r#"{"SecretString":"{\"WEBHOOK_TOKEN\":\"invented-webhook-token\",\"AIRTABLE_TOKEN\":\"patInvented\",\"APIFY_TOKEN\":\"invented\",\"GEMINI_API_KEY\":\"invented\"}"}"#;

/// What the functions need to start. Invented.
const VARIABLES: [(&str, &str); 17] = [
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
    ("RETRY_QUEUE_URL", "http://127.0.0.1/1/retry"),
    ("RETRY_DEAD_LETTERS_URL", "http://127.0.0.1/1/retry-dead-letters"),
    ("EVENT_LOG_TABLE", "events"),
    ("WEBHOOK_TOKEN", "invented-webhook-token"),
    ("AIRTABLE_TOKEN", "patInvented"),
    ("APIFY_TOKEN", "invented"),
    ("GEMINI_API_KEY", "invented"),
];

fn main() -> ExitCode {
    build();
    let names: Vec<&str> = std::iter::once(EMPTY).chain(BOUNDS.map(|(name, _)| name)).collect();
    let mut times: Vec<[Vec<Duration>; 2]> = names.iter().map(|_| Default::default()).collect();
    // The binaries take turns, so that other work on the machine affects all of them. None follows
    // itself, which would find its own code in the processor's caches, and none always follows the
    // same one.
    let mut order: Vec<usize> = (0..names.len()).collect();
    for _ in 0..SPAWNS {
        for (with_secret, column) in [(true, 0), (false, 1)] {
            for at in &order {
                times[*at][column].push(first_poll(names[*at], with_secret));
            }
        }
        order[1..].reverse();
    }
    for column in times.iter_mut().flatten() {
        column.sort_unstable();
    }
    // The empty binary reads no secret, so its two columns measure the same.
    let of_empty = &times[0][0];
    println!("spawn to first poll, first decile of {SPAWNS} (median):");
    println!("{EMPTY:<18} {:.2} ms ({:.2} ms)", millis(decile(of_empty)), millis(median(of_empty)));
    let mut kept = true;
    for ((name, bound), [with_secret, without]) in BOUNDS.iter().zip(&times[1..]) {
        let ratio = |of: fn(&[Duration]) -> Duration, times: &[Duration]| {
            of(times).as_secs_f64() / of(of_empty).as_secs_f64()
        };
        let within = ratio(decile, with_secret) <= *bound;
        kept &= within;
        println!(
            "{name:<18} {:.2} ms ({:.2} ms), {:.2}x ({:.2}x), at most {bound}x: {}; without a secret {:.2}x ({:.2}x)",
            millis(decile(with_secret)),
            millis(median(with_secret)),
            ratio(decile, with_secret),
            ratio(median, with_secret),
            if within { "kept" } else { "EXCEEDED" },
            ratio(decile, without),
            ratio(median, without),
        );
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds the binaries separately from the example. Built together, they would get library features
/// that only tests need, and would be larger.
fn build() {
    let packages = BOUNDS.iter().flat_map(|(name, _)| ["-p", name]);
    cargo(packages.chain(["--bins"]));
    cargo(["-p", "webhook-intake", "--example", EMPTY]);
    fs::create_dir_all(folder()).expect("a folder for the binaries");
    for (name, _) in BOUNDS {
        fs::copy(target().join(PROFILE).join(name), folder().join(name)).expect("a binary");
    }
    let empty = target().join(PROFILE).join("examples").join(EMPTY);
    fs::copy(empty, folder().join(EMPTY)).expect("a binary");
}

/// The folder of the binaries that are run. All are copied the same way, because the way a file
/// enters the page cache decides how many of its pages one fault loads, which is a tenth of a cold
/// start.
fn folder() -> PathBuf {
    target().join(PROFILE).join("cold-start")
}

fn cargo<'a>(what: impl IntoIterator<Item = &'a str>) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // The variables that cargo sets for this benchmark would make build scripts, and everything
    // that depends on them, run again.
    let of_this_package = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|known| name.starts_with(known))
    });
    let mut command = Command::new(cargo);
    for name in of_this_package {
        command.env_remove(name);
    }
    let status = command
        .args(["build", "--profile", PROFILE])
        .args(what)
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

/// Spawns a binary with our own runtime API, and stops it at its first poll.
fn first_poll(name: &str, with_secret: bool) -> Duration {
    let api = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = api.local_addr().expect("a bound port has an address").to_string();
    let (polled, watchdog) = watchdog(address.clone());
    let started = Instant::now();
    let mut function = Command::new(folder().join(name))
        .env_clear()
        .envs(VARIABLES)
        .env("MASTER_BASE_ID", "appMaster00000001")
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("SECRET_ID", if with_secret { "runtally/bench" } else { "" })
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary can be run");
    // The connections stay open until the function is stopped: a closed one would cause extra work
    // in it.
    let mut connections = Vec::new();
    let asked = serve_until_poll(&api, &mut connections);
    let elapsed = started.elapsed();
    function.kill().expect("the function can be stopped");
    let ended = function.wait().expect("the function ends");
    let Some(asked_for_secret) = asked else { panic!("{name} does not poll: {ended}") };
    assert_eq!(asked_for_secret, with_secret && name != EMPTY, "{name} asks for its secret");
    drop(polled);
    watchdog.join().expect("the watchdog ends");
    elapsed
}

/// Ends the wait for a function that never polls, unless the returned sender is dropped first.
fn watchdog(api: String) -> (Sender<()>, JoinHandle<()>) {
    let (polled, waiting) = mpsc::channel();
    let watchdog = thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            drop(TcpStream::connect(api));
        }
    });
    (polled, watchdog)
}

/// Sleeps while the function works, as the runtime API does: a server that spins would take
/// processor time from the function. Returns whether the function requested its secret first;
/// `None` if it does not poll.
fn serve_until_poll(api: &TcpListener, connections: &mut Vec<TcpStream>) -> Option<bool> {
    let mut asked_for_secret = false;
    loop {
        connections.push(api.accept().expect("a connection").0);
        let stream = connections.last_mut().expect("it was just pushed");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut request = [0; 4096];
        let read = stream.read(&mut request).ok()?;
        let request = String::from_utf8_lossy(&request[..read]);
        if request.contains("/runtime/invocation/next") {
            return Some(asked_for_secret);
        } else if request.is_empty() {
            return None;
        }
        assert!(request.contains("GetSecretValue"), "unexpected request: {request}");
        let length = SECRET.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{SECRET}");
        stream.write_all(answer.as_bytes()).expect("an answer");
        asked_for_secret = true;
    }
}

fn decile(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 10]
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
