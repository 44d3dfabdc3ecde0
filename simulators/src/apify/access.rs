//! Who is asking.

use super::error::ApiError;
use super::query::Query;
use crate::Request;
use http::header::AUTHORIZATION;

/// What the caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A token of the account.
    Owner,
    /// No token.
    Nobody,
}

impl Caller {
    /// Reads the token from the header or, discouraged, from `?token=`.
    pub(super) fn of(
        request: &Request,
        query: &Query,
        tokens: &[String],
    ) -> Result<Self, ApiError> {
        let token = match request.headers().get(AUTHORIZATION) {
            Some(header) => {
                let text = header.to_str().map_err(|_| ApiError::InvalidToken)?;
                Some(text.strip_prefix("Bearer ").ok_or(ApiError::InvalidToken)?)
            }
            None => query.get("token"),
        };
        match token {
            None => Ok(Self::Nobody),
            Some(token) if tokens.iter().any(|known| known == token) => Ok(Self::Owner),
            Some(_) => Err(ApiError::UserOrTokenNotFound),
        }
    }

    /// Refuses a caller without a token.
    pub(super) fn must_be_owner(self) -> Result<(), ApiError> {
        match self {
            Self::Owner => Ok(()),
            Self::Nobody => Err(ApiError::TokenNotProvided),
        }
    }
}
