//! What the page of `runtally serve` shows and acts on.

use crate::invented::World;
use crate::page::{LastRead, ServiceState, Simulators, Source};
use crate::result::Fault;
use crate::system::{DATABASE, Deployment, Inside, Served, Service, Services};
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::clock::Clock;
use shared::services::airtable::Airtable;
use std::path::Path;
use std::sync::Arc;

/// Where a service is, in words.
pub(super) fn place(service: Service, services: &Services) -> &str {
    let url = match service {
        Service::Airtable => &services.airtable_url,
        Service::Apify => &services.apify_url,
        Service::Gemini => &services.gemini_url,
    };
    let place = if service.has_token() { "as the environment says" } else { url };
    if service.is_real() { "the real one" } else { place }
}

/// What the page shows and acts on.
pub(super) fn shown(
    data: &Path,
    services: &Services,
    (served, world): (&Served, &World),
    inside: &Inside,
) -> Result<Source, Fault> {
    let variable = |name| served.variable(name);
    let config = AirtableConfig::read(&Vars::new(variable))?;
    let finalizer = metrics_finalizer::Config::read(variable)?;
    let states = Service::ALL.map(|service| ServiceState {
        name: service.name(),
        is_real: service.is_real(),
        place: place(service, services).to_owned(),
    });
    let is_simulated = |service: Service| !service.has_token();
    let path = data.join(DATABASE);
    let (queue, log) = (inside.queue.clone(), inside.log.clone());
    Ok(Source {
        deployment: Deployment::of_this_process(&path, queue, log),
        master: config.master_base.clone(),
        airtable: Airtable::new(
            HttpTransport::new()?,
            config.url,
            config.token,
            Arc::clone(&inside.limiters),
        ),
        services: states.into(),
        simulators: Simulators {
            airtable: is_simulated(Service::Airtable).then(|| Arc::clone(&services.airtable)),
            apify: is_simulated(Service::Apify).then(|| Arc::clone(&services.apify)),
            gemini: is_simulated(Service::Gemini).then(|| Arc::clone(&services.gemini)),
            clients: world.clients.clone(),
            webhook: variable("WEBHOOK_TOKEN")
                .map(|token| (format!("{}/webhooks/apify", served.url), token)),
        },
        inside: Some(inside.clone()),
        allow_actions: true,
        lanes: scoring::Config::read(variable)?.lanes,
        verify_for: finalizer.verify_for,
        clock: Clock::system(),
        last: LastRead::default(),
    })
}
