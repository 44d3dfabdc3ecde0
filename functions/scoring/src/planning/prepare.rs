//! What a plan needs of a client's base: its rubric, and the fields that can be read and written.

use crate::Scoring;
use crate::budget::Rates;
use crate::lead::row::{self, Writable};
use crate::planning::plan::{ChunkFrame, MAX_RUBRIC_BYTES};
use crate::prompt::posts_rubric::{self, RubricError};
use crate::prompt::{posts, profile, profile_rubric};
use shared::core::failure::Failure;
use shared::core::ids::BaseId;
use shared::messages::{Kind, ProfileAttribute, RunHeader, Source};
use shared::ports::{QueueError, Transport};
use shared::schema::leads as schema;
use shared::services::airtable::AirtableError;

/// Why there is no plan.
pub(crate) enum NotPlanned {
    /// The same may work later.
    Later(Failure),
    /// It takes a person.
    Never(String),
}

impl From<AirtableError> for NotPlanned {
    fn from(error: AirtableError) -> Self {
        if error.is_retryable() {
            Self::Later(Failure::retry(error))
        } else {
            Self::Never(error.to_string())
        }
    }
}

impl From<QueueError> for NotPlanned {
    fn from(error: QueueError) -> Self {
        match &error {
            QueueError::Unreachable { .. } => Self::Later(Failure::retry(error)),
            QueueError::Refused { .. } => Self::Never(error.to_string()),
        }
    }
}

impl From<RubricError> for NotPlanned {
    fn from(error: RubricError) -> Self {
        match error {
            RubricError::Airtable(error) => error.into(),
            RubricError::Empty { .. } => Self::Never(error.to_string()),
        }
    }
}

/// What a plan needs of a client's base.
pub(crate) struct Prepared {
    kind: Kind,
    rubric: String,
    attributes: Vec<ProfileAttribute>,
    pub(crate) writable: Writable,
    /// What was odd, for the run's notes.
    pub(crate) warnings: Vec<String>,
}

/// Reads it: two or three requests, once per plan.
pub(crate) async fn prepare<T: Transport, Q>(
    app: &Scoring<T, Q>,
    base: &BaseId,
    kind: Kind,
) -> Result<Prepared, NotPlanned> {
    let mut writable = row::writable_fields(&app.planning, base, kind).await?;
    if kind == Kind::Profile && writable.profile_fields.is_empty() {
        return Err(NotPlanned::Never(format!(
            "table {:?} of base {base} has neither {:?} nor {:?}; add one with the profiles",
            schema::TABLE,
            schema::RAW_PROFILE,
            schema::PROFILE_JSON
        )));
    }
    let has_active = writable.criteria_have_active;
    let (rubric, attributes, mut warnings) = match kind {
        Kind::Post => {
            let rubric = posts_rubric::read(&app.planning, base, has_active).await?;
            (rubric.prompt, Vec::new(), rubric.warnings)
        }
        Kind::Profile => {
            let rubric = profile_rubric::read(&app.planning, base, has_active).await?;
            (rubric.prompt, rubric.attributes, rubric.warnings)
        }
    };
    if rubric.len() > MAX_RUBRIC_BYTES {
        return Err(NotPlanned::Never(format!(
            "the rubric has {} bytes; at most {MAX_RUBRIC_BYTES} are taken: shorten it",
            rubric.len()
        )));
    }
    warnings.append(&mut writable.warnings);
    Ok(Prepared { kind, rubric, attributes, writable, warnings })
}

impl Prepared {
    /// What every chunk of the plan carries.
    pub(crate) fn frame(&self, run: &RunHeader, base: &BaseId, source: Source) -> ChunkFrame {
        ChunkFrame {
            run: run.clone(),
            kind: self.kind,
            base: base.clone(),
            source,
            rubric: self.rubric.clone(),
            writable: self.writable.fields.clone(),
            profile_fields: match self.kind {
                Kind::Post => Vec::new(),
                Kind::Profile => self.writable.profile_fields.clone(),
            },
            attributes: self.attributes.clone(),
        }
    }

    /// What scoring a lead is estimated by.
    pub(crate) fn rates(&self, leads_per_call: usize) -> Rates {
        let frame = match self.kind {
            Kind::Post => posts::FRAME,
            Kind::Profile => profile::FRAME,
        };
        Rates { kind: self.kind, system: self.rubric.len() + frame.len(), leads_per_call }
    }
}
