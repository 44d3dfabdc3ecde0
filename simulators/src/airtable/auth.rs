//! Tokens: who asks, and what they may do.

use super::error::ApiError;
use super::options::{Scope, Token};
use crate::Request;
use crate::reply::bearer;

pub(crate) fn token<'a>(tokens: &'a [Token], request: &Request) -> Result<&'a Token, ApiError> {
    let secret = bearer(request).ok_or(ApiError::NoToken)?;
    tokens.iter().find(|token| token.secret == secret).ok_or(ApiError::BadToken)
}

impl Token {
    pub(crate) fn permit(&self, scope: Option<Scope>, base: Option<&str>) -> Result<(), ApiError> {
        let in_scope = scope.is_none_or(|scope| self.scopes.contains(&scope));
        let in_base = base.is_none_or(|base| self.reaches(base));
        if in_scope && in_base { Ok(()) } else { Err(ApiError::Forbidden) }
    }

    pub(crate) fn reaches(&self, base: &str) -> bool {
        self.bases.as_ref().is_none_or(|bases| bases.iter().any(|known| known == base))
    }
}
