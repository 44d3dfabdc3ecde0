//! Answers a request.

use super::content::content;
use super::figures::grouped;
use super::guard::{self, Refused};
use super::layout::{Content, Place, whole};
use super::query::Query;
use super::site::{Page, Problem};
use super::wanted::Wanted;
use super::{actions, live};
use crate::system::{Front, Reply};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Incoming;
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use shared::core::ids::RunId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Most bytes of a form, and the longest time for sending it.
const MAX_FORM: usize = 64 * 1024;
const FORM_TIME: Duration = Duration::from_secs(10);

/// How long a browser waits for a run that is read for the first time, before it gets a progress
/// page.
const PATIENCE: Duration = Duration::from_millis(400);

/// Files that the page loads, with their content types.
const ASSETS: [(&str, &str, &str); 3] = [
    ("/assets/page.css", "text/css; charset=utf-8", include_str!("assets/page.css")),
    ("/assets/page.js", "text/javascript; charset=utf-8", include_str!("assets/page.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

impl Page {
    /// Answers the requests that the webhook server does not handle.
    pub(crate) fn front(self: &Arc<Self>) -> Front {
        let page = Arc::clone(self);
        Arc::new(move |request| {
            let page = Arc::clone(&page);
            Box::pin(async move { page.answer(request).await })
        })
    }

    /// Reads a run before its page is made. If this takes too long, returns the progress.
    async fn opened(self: &Arc<Self>, id: &str) -> Result<(), Problem> {
        let Ok(run) = id.parse::<RunId>() else { return Ok(()) };
        let (page, name) = (Arc::clone(self), run.clone());
        let read = tokio::spawn(async move {
            page.book.read(&page.source.deployment, &name, |_| ()).await.map(|_| ())
        });
        match timeout(PATIENCE, read).await {
            Ok(done) => Ok(done.expect("reading a run does not panic")?),
            Err(_elapsed) => match self.book.progress(&run) {
                Some((read, all)) => Err(Problem::Reading(run, read, all)),
                None => Ok(()),
            },
        }
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Reply {
        let is_head = request.method() == Method::HEAD;
        let checked = guard::check(request.method(), request.headers());
        let mut reply = match checked {
            Err(refused) => text(refused.0, refused.1),
            Ok(()) => match self.route(request).await {
                Ok(reply) => reply,
                Err(problem) => self.explain(problem),
            },
        };
        guard::protect(reply.headers_mut());
        if is_head { reply.map(|_| Full::default().boxed_unsync()) } else { reply }
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>) -> Result<Reply, Problem> {
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
        let query = Query::parse(request.uri().query().unwrap_or_default().as_bytes());
        if let Some((_, kind, content)) = ASSETS.iter().find(|(name, ..)| *name == path) {
            return Ok(asset(kind, content));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.act(&path, request).await;
        }
        if path == "/live" {
            return Ok(live::stream(self, &query));
        }
        if let Some(id) = path.strip_prefix("/run/") {
            self.opened(id).await?;
        }
        let content = content(self, &path, &query, &Wanted::Page).await?;
        let told = query.get("told").and_then(|id| self.flashes.get(id));
        Ok(self.whole(&content, told.as_deref()))
    }

    /// Does what a form requests, and redirects the browser to the result.
    async fn act(&self, path: &str, request: Request<Incoming>) -> Result<Reply, Problem> {
        let refused = |status, why| Problem::Refused(Refused(status, why));
        let name = path.strip_prefix("/do/").filter(|_| request.method() == Method::POST);
        let name =
            name.ok_or(refused(StatusCode::METHOD_NOT_ALLOWED, "The page is read with GET."))?;
        let body = Limited::new(request.into_body(), MAX_FORM).collect();
        let body = timeout(FORM_TIME, body).await.ok().and_then(Result::ok);
        let body = body.ok_or(refused(StatusCode::BAD_REQUEST, "The form could not be read."))?;
        let form = Query::parse(&body.to_bytes());
        if !self.token.is_in(form.get("token")) {
            let why = "This form is from an earlier start of the system: open the page again.";
            return Err(refused(StatusCode::FORBIDDEN, why));
        }
        let look_at = actions::perform(self, name, &form).await?;
        let mut reply = text(StatusCode::SEE_OTHER, "Done.");
        let look_at = HeaderValue::try_from(look_at);
        reply
            .headers_mut()
            .insert(header::LOCATION, look_at.unwrap_or(HeaderValue::from_static("/")));
        Ok(reply)
    }

    fn whole(&self, content: &Content, told: Option<&str>) -> Reply {
        markup(StatusCode::OK, whole(&self.source, content, told))
    }

    /// A page that shows how much of a run is read. It reloads until it is the run's page.
    fn reading(&self, run: &RunId, read: usize, all: usize) -> Reply {
        let body = html! {
            p .crumb { a href="/" { "Runs" } " / " }
            h1 .id { (run) }
            p { "Its log is being read: " (grouped(read as u64)) " of " (grouped(all as u64)) " events." }
            progress max=(all) value=(read) aria-label="Events that are read" {}
        };
        let content = Content::new(run.to_string(), Place::Below, body);
        let mut reply = markup(StatusCode::ACCEPTED, whole(&self.source, &content, None));
        reply.headers_mut().insert(header::REFRESH, HeaderValue::from_static("1"));
        reply
    }

    /// A page that explains why the requested page cannot be shown.
    fn explain(&self, problem: Problem) -> Reply {
        let (status, title, why) = match problem {
            Problem::Refused(Refused(status, why)) => (status, "Refused", why.to_owned()),
            Problem::NotFound(why) => (StatusCode::NOT_FOUND, "Not found", why),
            Problem::Wrong(why) => (StatusCode::BAD_REQUEST, "This cannot be done", why),
            Problem::Reading(run, read, all) => return self.reading(&run, read, all),
            Problem::Failed(error) => {
                let (status, why) = (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
                (status, "The system could not be asked", why)
            }
        };
        let body = html! { h1 { (title) } p { (why) } p { a href="/" { "All runs" } } };
        let content = Content::new(title, Place::Below, body);
        markup(status, whole(&self.source, &content, None))
    }
}

fn markup(status: StatusCode, markup: Markup) -> Reply {
    full(status, "text/html; charset=utf-8", markup.into_string())
}

fn text(status: StatusCode, text: &str) -> Reply {
    full(status, "text/plain; charset=utf-8", text.to_owned())
}

fn asset(kind: &'static str, content: &'static str) -> Reply {
    let mut reply = full(StatusCode::OK, kind, content.to_owned());
    // Requested again with each page, so that a new release takes effect at once. The files are
    // small and local.
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

fn full(status: StatusCode, kind: &'static str, content: String) -> Reply {
    let mut reply = Reply::new(Full::new(Bytes::from(content)).boxed_unsync());
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
