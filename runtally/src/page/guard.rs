//! Who may request the page, and what a browser may do with the answers.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use ring::rand::SystemRandom;
use subtle::ConstantTimeEq;

/// The names of this machine, as a browser on it writes them. A foreign DNS name that points at
/// this machine is not among them.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Headers of every answer: nothing is loaded from other sites, no inline script runs, and no site
/// may frame the page.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`, because the Origin of a form would then be `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A refusal: its status and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) &'static str);

/// A secret of this process that every form of the page carries.
pub(super) struct FormToken(String);

impl FormToken {
    pub(super) fn new() -> Self {
        let secret: [u8; 16] = ring::rand::generate(&SystemRandom::new())
            .expect("the system gives random bytes")
            .expose();
        Self(format!("{:032x}", u128::from_be_bytes(secret)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `sent` is the token; compared in constant time.
    pub(super) fn is_in(&self, sent: Option<&str>) -> bool {
        sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(self.0.as_bytes())))
    }
}

/// Refuses a request that does not name this machine, or that comes from another site.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name =
        host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    if !LOOPBACK.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Refused(
            StatusCode::MISDIRECTED_REQUEST,
            "This page is only for this machine: open it as http://127.0.0.1 with its port.",
        ));
    }
    let origin = text(header::ORIGIN);
    let is_own = origin.is_some_and(|origin| origin.strip_prefix("http://") == Some(host));
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    if origin.is_none() && !is_read {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "Only forms of this page are taken here; webhooks go to /webhooks/apify, requests to \
             score to /runs.",
        ));
    }
    if !is_own && origin.is_some() {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "Another site sent this request; it is refused.",
        ));
    }
    // Modern browsers say which site a read comes from. Other sites may link here, but not read.
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let mode = text(HeaderName::from_static("sec-fetch-mode"));
    if site == Some("cross-site") && mode != Some("navigate") {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "Another site sent this request; it is refused.",
        ));
    }
    Ok(())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sets the headers that every answer has.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, sent: &[(&str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        check(method, &headers).err().map(|Refused(status, _)| status.as_u16())
    }

    #[test]
    fn only_a_browser_that_names_this_machine_is_answered() {
        for host in ["127.0.0.1:9100", "localhost:9100", "LOCALHOST", "[::1]:9100", "[::1]"] {
            assert_eq!(asked(&Method::GET, &[("host", host)]), None, "{host}");
        }
        for host in
            ["evil.example:9100", "127.0.0.1.evil.example", "0.0.0.0:9100", "", "localhost:x"]
        {
            assert_eq!(asked(&Method::GET, &[("host", host)]), Some(421), "{host}");
        }
        assert_eq!(asked(&Method::GET, &[]), Some(421));
    }

    #[test]
    fn only_the_page_itself_may_change_something() {
        let host = ("host", "127.0.0.1:9100");
        let post = |origin| asked(&Method::POST, &[host, ("origin", origin)]);
        assert_eq!(post("http://127.0.0.1:9100"), None);
        for other in ["http://evil.example", "null", "https://127.0.0.1:9100", "http://127.0.0.1:9"]
        {
            assert_eq!(post(other), Some(403), "{other}");
        }
        assert_eq!(asked(&Method::POST, &[host]), Some(403), "a form always says its origin");
        // A webhook with a mistyped path comes here.
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("127.0.0.1"))]);
        let Refused(_, why) = check(&Method::POST, &headers).unwrap_err();
        assert!(why.contains("webhooks go to /webhooks/apify"), "{why}");
        let reads = |origin| asked(&Method::GET, &[host, ("origin", origin)]);
        assert_eq!(reads("http://evil.example"), Some(403));
    }

    #[test]
    fn another_site_may_link_to_the_page_and_read_nothing() {
        let from_elsewhere = |mode| {
            let sent =
                [("host", "localhost"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode)];
            asked(&Method::GET, &sent)
        };
        assert_eq!(from_elsewhere("navigate"), None);
        assert_eq!(from_elsewhere("no-cors"), Some(403));
    }

    #[test]
    fn a_form_carries_the_token_of_this_process() {
        let token = FormToken::new();
        assert!(token.is_in(Some(token.as_str())));
        for wrong in [None, Some(""), Some(FormToken::new().as_str())] {
            assert!(!token.is_in(wrong));
        }
    }
}
