//! An emulator of SQS and DynamoDB (ministack, from the Python registry), on loopback only.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use shared::adapters::aws::dynamodb::DynamoEventLog;
use shared::adapters::aws::lambda::Aws;
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::http::HttpTransport;
use shared::config::QueueUrls;
use shared::config::Vars;
use shared::ports::{Queue, QueueName};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tests::HANGS_AFTER;
use tests::conformance::queue::{Mailbox, Taken};

/// The running emulator. It stops when this is dropped.
pub(crate) struct Emulator {
    process: Child,
    aws: Aws,
    queues: AtomicU32,
}

impl Emulator {
    /// Starts the emulator. If Python is missing, prints a line and returns `None`; in continuous
    /// integration this is a failure.
    pub(crate) async fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
        let python = match installed(&root) {
            Ok(python) => python,
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "{reason}");
                say_skipped(&reason);
                return None;
            }
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let state = root.join("target/conformance-emulator");
        let process = Command::new(python)
            .args(["-m", "ministack"])
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("STATE_DIR", state)
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let aws = aws(&endpoint);
        let emulator = Self { process, aws, queues: AtomicU32::new(0) };
        emulator.answers().await;
        Some(emulator)
    }

    async fn answers(&self) {
        let up = async {
            while self.aws.sqs().list_queues().send().await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(HANGS_AFTER, up).await.expect("the emulator starts");
    }

    /// An event log in a new table, as `template.yaml` declares it.
    pub(crate) async fn event_log(&self) -> DynamoEventLog {
        let client = self.aws.dynamodb();
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
        };
        let text = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap()
        };
        let index = |name: &str, hash: &str, range: &str, projected| {
            GlobalSecondaryIndex::builder()
                .index_name(name)
                .key_schema(key(hash, KeyType::Hash))
                .key_schema(key(range, KeyType::Range))
                .projection(Projection::builder().projection_type(projected).build())
                .build()
                .unwrap()
        };
        let mut table = client
            .create_table()
            .table_name("runtally-events")
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("pk", KeyType::Hash))
            .key_schema(key("sk", KeyType::Range));
        for name in ["pk", "sk", "open", "finished", "written_at"] {
            table = table.attribute_definitions(text(name));
        }
        table
            .global_secondary_indexes(index("open-runs", "open", "pk", ProjectionType::KeysOnly))
            .global_secondary_indexes(index(
                "finished-runs",
                "finished",
                "written_at",
                ProjectionType::All,
            ))
            .send()
            .await
            .expect("the emulator makes the table");
        DynamoEventLog::new(client, "runtally-events".to_owned())
    }

    /// New queues with their dead-letter queues. They hide a received message for `visibility`.
    pub(crate) async fn mailbox(&self, visibility: Duration) -> OnSqs {
        let client = self.aws.sqs();
        let number = self.queues.fetch_add(1, Ordering::Relaxed);
        let mut urls = Vec::new();
        for queue in QueueName::ALL.iter().flat_map(|queue| [(queue, ""), (queue, "-dead")]) {
            let (queue, kind) = queue;
            let name = format!("{}{kind}-{number}", queue.as_str());
            let mut made = client.create_queue();
            if queue.is_fifo() {
                made = made.queue_name(format!("{name}.fifo"));
                made = made.attributes(QueueAttributeName::FifoQueue, "true");
            } else {
                made = made.queue_name(name);
            }
            let made = made
                .attributes(QueueAttributeName::VisibilityTimeout, visibility.as_secs().to_string())
                .send()
                .await
                .expect("the emulator makes the queue");
            urls.push(made.queue_url.expect("a queue has a URL"));
        }
        let of = |at: usize| QueueUrls {
            url: urls[at].clone(),
            dead_letters: Some(urls[at + 1].clone()),
        };
        let urls: std::collections::BTreeMap<_, _> =
            QueueName::ALL.into_iter().zip([of(0), of(2), of(4)]).collect();
        OnSqs { queue: SqsQueue::new(client.clone(), urls.clone()), client, urls }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill() {
            println!("the emulator was not stopped: {error}");
        }
        // Reaps the process, which has ended.
        self.process.wait().ok();
    }
}

/// Prints the reason even if the test passes: for passing tests, cargo does not show the output of
/// `println!`.
fn say_skipped(reason: &str) {
    writeln!(std::io::stdout().lock(), "SKIPPED: the adapters for AWS were not tested: {reason}")
        .expect("a place to print to");
}

/// The Python environment with the emulator, which `tests/stack/install` creates.
fn installed(root: &Path) -> Result<PathBuf, String> {
    let tools = Command::new("bash").arg(root.join("tests/stack/install")).output();
    let tools = tools.map_err(|error| format!("no bash: {error}"))?;
    if !tools.status.success() {
        let said = String::from_utf8_lossy(&tools.stderr);
        return Err(said.lines().last().unwrap_or("tests/stack/install failed").to_owned());
    }
    Ok(root.join("target/stack-venv/bin/python"))
}

fn aws(endpoint: &str) -> Aws {
    let endpoint = endpoint.to_owned();
    let variable = move |name| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        _ => None,
    };
    Aws::read(&Vars::new(variable), &HttpTransport::new().unwrap()).unwrap()
}

/// SQS's queues with their receiving end, as the event source mapping uses it.
pub(crate) struct OnSqs {
    queue: SqsQueue,
    client: aws_sdk_sqs::Client,
    urls: std::collections::BTreeMap<QueueName, QueueUrls>,
}

impl Mailbox for OnSqs {
    const TIME_MOVES: bool = false;

    fn queue(&self) -> &impl Queue {
        &self.queue
    }

    async fn receive(&self, queue: QueueName, most: usize) -> Vec<Taken> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.urls[&queue].url)
            .max_number_of_messages(i32::try_from(most).unwrap())
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .unwrap();
        let taken = received.messages.unwrap_or_default().into_iter().map(|message| {
            let attributes = message.attributes.unwrap();
            let attribute = |name| attributes.get(&name).cloned().unwrap_or_default();
            Taken {
                message_id: message.message_id.unwrap(),
                receipt: message.receipt_handle.unwrap(),
                group: attribute(MessageSystemAttributeName::MessageGroupId),
                body: message.body.unwrap(),
                receive_count: attribute(MessageSystemAttributeName::ApproximateReceiveCount)
                    .parse()
                    .unwrap(),
            }
        });
        taken.collect()
    }

    async fn delete(&self, queue: QueueName, receipt: &str) {
        let url = &self.urls[&queue].url;
        self.client.delete_message().queue_url(url).receipt_handle(receipt).send().await.unwrap();
    }

    async fn dead_letters(&self, queue: QueueName) -> Vec<(String, String)> {
        let letters = self.queue.dead_letters(queue).await.unwrap();
        letters.into_iter().map(|letter| (letter.body, letter.reason)).collect()
    }
}
