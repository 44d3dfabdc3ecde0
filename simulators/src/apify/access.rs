//! Who is asking.

use super::error::ApiError;
use super::query::Query;
use crate::Request;
use crate::reply::bearer;

/// Whether the caller shows a token of the account, in the header or, discouraged, as `?token=`.
/// One that shows none is nobody; a wrong token is refused.
pub(super) fn is_owner(
    request: &Request,
    query: &Query,
    tokens: &[String],
) -> Result<bool, ApiError> {
    match bearer(request).or_else(|| query.get("token")) {
        None => Ok(false),
        Some("") => Err(ApiError::InvalidToken),
        Some(token) if tokens.iter().any(|known| known == token) => Ok(true),
        Some(_) => Err(ApiError::UserOrTokenNotFound),
    }
}
