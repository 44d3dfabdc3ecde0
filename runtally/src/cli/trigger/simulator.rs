//! A simulated service, and its control endpoints.

use crate::result::{Fault, Hinted};
use crate::system::{Service, Variables};
use bytes::Bytes;
use http::{Method, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::core::ids::BaseId;
use shared::ports::Transport;
use shared::services::airtable::Row;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
const START: &str =
    "start `runtally serve`, without the tokens of real services for simulated ones";

/// A simulated service that is running.
pub(super) struct Simulator {
    service: Service,
    root: Url,
}

impl Simulator {
    /// The simulator of a service, unless the service is the vendor's own.
    pub(super) async fn find(
        service: Service,
        variables: &impl Variables,
        transport: &HttpTransport,
    ) -> Result<Self, Fault> {
        refuse_real(service)?;
        let name = service.name();
        let place = variables(service.place());
        let place = place
            .and_then(|place| Url::parse(&place).ok())
            .ok_or_else(|| Hinted::new(format!("no simulated {name} is known here"), START))?;
        let root = place.join("/").map_err(|error| format!("{place}: {error}"))?;
        let simulator = Self { service, root };
        simulator.ask(transport, Method::GET, "_sim/requests", Bytes::new()).await?;
        Ok(simulator)
    }

    /// Posts to a control endpoint.
    pub(super) async fn post(
        &self,
        transport: &HttpTransport,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<Value, Fault> {
        self.ask(transport, Method::POST, path, serde_json::to_vec(body)?.into()).await
    }

    /// The rows of a table in the simulated Airtable.
    pub(super) async fn rows(
        &self,
        transport: &HttpTransport,
        base: &BaseId,
        table: &str,
    ) -> Result<Vec<Row>, Fault> {
        let table = utf8_percent_encode(table, NON_ALPHANUMERIC);
        let path = format!("_sim/bases/{base}/tables/{table}");
        let mut answer = self.ask(transport, Method::GET, &path, Bytes::new()).await?;
        Ok(serde_json::from_value(answer["records"].take())?)
    }

    async fn ask(
        &self,
        transport: &HttpTransport,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Value, Fault> {
        let (name, root) = (self.service.name(), &self.root);
        let request = http::Request::builder()
            .method(method)
            .uri(root.join(path)?.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        let answer = transport.send(request, TIMEOUT).await.map_err(|error| {
            Hinted::new(format!("the simulated {name} at {root} does not answer: {error}"), START)
        })?;
        let json: Option<Value> = serde_json::from_slice(answer.body()).ok();
        match json {
            Some(json) if answer.status().is_success() => Ok(json),
            _ => {
                let status = answer.status().as_u16();
                let message =
                    format!("what answers at {root} is not a simulated {name} (status {status})");
                Err(Hinted::new(message, START))
            }
        }
    }
}

/// Refuses to invent data for a real service.
pub(super) fn refuse_real(service: Service) -> Result<(), Fault> {
    if !service.is_real() {
        return Ok(());
    }
    let (message, hint) = service.refusal();
    Err(Hinted::new(message, hint))
}
