//! From a request to an answer.

use super::book::Book;
use super::guard::{self, FormToken, Refused};
use super::layout::{Content, Place, whole};
use super::query::Query;
use super::source::Source;
use super::{live, run, runs, system};
use crate::result::Fault;
use crate::system::{Front, Reply};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming;
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use std::sync::Arc;

/// What a script asks for that only wants the content: the page without what is around it.
const FRAGMENT: &str = "x-fragment";

/// Files that the page loads, with their types.
const ASSETS: [(&str, &str, &str); 3] = [
    ("/assets/page.css", "text/css; charset=utf-8", include_str!("assets/page.css")),
    ("/assets/page.js", "text/javascript; charset=utf-8", include_str!("assets/page.js")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// The page over one system.
pub(crate) struct Page {
    pub(super) source: Source,
    pub(super) book: Book,
    pub(super) token: FormToken,
}

/// What was asked for, or why it is not answered.
pub(super) enum Problem {
    Refused(Refused),
    /// There is no such page, run or action.
    NotFound(String),
    /// The system could not be asked.
    Failed(Fault),
}

impl From<Fault> for Problem {
    fn from(error: Fault) -> Self {
        Self::Failed(error)
    }
}

impl Page {
    pub(crate) fn new(source: Source) -> Arc<Self> {
        let page = Arc::new(Self { source, book: Book::default(), token: FormToken::new() });
        tokio::spawn(Arc::clone(&page).read_ahead());
        page
    }

    /// What the webhook server passes the other requests to.
    pub(crate) fn front(self: &Arc<Self>) -> Front {
        let page = Arc::clone(self);
        Arc::new(move |request| {
            let page = Arc::clone(&page);
            Box::pin(async move { page.answer(request).await })
        })
    }

    /// Folds the runs before somebody asks for them, newest first.
    async fn read_ahead(self: Arc<Self>) {
        let since = self.source.now() - self.source.verify_for;
        let Ok(heads) = self.book.heads(&self.source.deployment, since).await else { return };
        for head in &heads {
            if self.book.known(&self.source.deployment, head).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let is_fragment = request.headers().contains_key(FRAGMENT);
        let is_head = request.method() == Method::HEAD;
        let checked = guard::check(request.method(), request.headers());
        let mut reply = match checked {
            Err(refused) => text(refused.0, refused.1),
            Ok(()) => match self.route(request, is_fragment).await {
                Ok(reply) => reply,
                Err(problem) => self.explain(problem),
            },
        };
        guard::protect(reply.headers_mut());
        if is_head { reply.map(|_| Full::default().boxed_unsync()) } else { reply }
    }

    async fn route(&self, request: Request<Incoming>, is_fragment: bool) -> Result<Reply, Problem> {
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
        let query = Query::parse(request.uri().query().unwrap_or_default().as_bytes());
        if let Some((_, kind, content)) = ASSETS.iter().find(|(name, ..)| *name == path) {
            return Ok(asset(kind, content));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let what = "The page is read with GET.";
            return Err(Problem::Refused(Refused(StatusCode::METHOD_NOT_ALLOWED, what)));
        }
        let (source, book) = (&self.source, &self.book);
        let content = match path.as_str() {
            "/" => runs::page(source, book, &query).await?,
            "/system" => system::page(source, book).await?,
            "/live" => return Ok(live::stream(source)),
            path => match path.strip_prefix("/run/") {
                Some(id) => run::page(source, book, (id, &query), is_fragment).await?,
                None => return Err(Problem::NotFound(format!("There is no page {path}."))),
            },
        };
        let told = query.get("told");
        Ok(if is_fragment {
            markup(StatusCode::OK, content.body)
        } else {
            self.whole(&content, told)
        })
    }

    fn whole(&self, content: &Content, told: Option<&str>) -> Reply {
        markup(StatusCode::OK, whole(&self.source, content, told))
    }

    /// A page that says why there is no other.
    fn explain(&self, problem: Problem) -> Reply {
        let (status, title, why) = match problem {
            Problem::Refused(Refused(status, why)) => (status, "Refused", why.to_owned()),
            Problem::NotFound(why) => (StatusCode::NOT_FOUND, "Not found", why),
            Problem::Failed(error) => {
                let (status, why) = (StatusCode::SERVICE_UNAVAILABLE, error.to_string());
                (status, "The system could not be asked", why)
            }
        };
        let body = html! { h1 { (title) } p { (why) } p { a href="/" { "All runs" } } };
        let content = Content { title: title.to_owned(), place: Place::Below, body };
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
    // Asked for again with each page, so that a new release is seen at once; it is small and near.
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

fn full(status: StatusCode, kind: &'static str, content: String) -> Reply {
    let mut reply = Reply::new(Full::new(Bytes::from(content)).boxed_unsync());
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
