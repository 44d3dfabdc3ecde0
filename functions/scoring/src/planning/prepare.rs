//! What the plans of one run need in addition to their leads: the client's rubric, the fields that
//! can be read and written, and what the token limits leave.

use super::plan::{MAX_RUBRIC_BYTES, Plan};
use super::plan_lead::PlanLead;
use crate::app::Scoring;
use crate::budget::{Allowance, Rates};
use crate::lead::fields::{LeadFields, read_lead_fields};
use crate::master::spending::TokenLimits;
use crate::prompt::rubric::Rubric;
use crate::prompt::{posts, posts_rubric, profile, profile_rubric};
use crate::task_error::TaskError;
use shared::core::failure::Failure;
use shared::core::ids::BaseId;
use shared::messages::{Chunk, Kind, LeadsTable, RunHeader, Source, Tried};
use shared::ports::{Env, Transport};
use shared::schema::leads as schema;
use shared::services::airtable::Airtable;

#[derive(Clone, Copy)]
pub(crate) struct PlanTarget<'a> {
    pub(crate) run: &'a RunHeader,
    pub(crate) base: &'a BaseId,
    pub(crate) kind: Kind,
    /// Most tokens that the client's run may use; `None` for no limit.
    pub(crate) token_limit: Option<u64>,
}

pub(crate) struct PlanContext<'a> {
    pub(crate) target: PlanTarget<'a>,
    /// `None` if there are no leads to plan.
    pub(crate) base: Option<BaseContext>,
    /// What the limits leave for the run.
    pub(crate) allowance: Allowance,
    lanes: u32,
    leads_per_call: usize,
}

impl<'a> PlanContext<'a> {
    pub(crate) async fn read<E: Env>(
        app: &Scoring<E>,
        target: PlanTarget<'a>,
    ) -> Result<Self, TaskError> {
        let base = read_base(&app.plan_airtable, target.base, target.kind).await?;
        let day = app.config.daily_token_limit;
        let limits = TokenLimits { day, run: target.token_limit, share: None };
        let now = app.clock.now();
        let left = app.master().tokens_left(target.run, target.kind, limits, now).await?;
        Ok(Self { base: Some(base), allowance: Allowance { left }, ..Self::empty(app, target) })
    }

    /// For a plan without leads. Nothing is read.
    pub(crate) fn empty<E: Env>(app: &Scoring<E>, target: PlanTarget<'a>) -> Self {
        let (lanes, leads_per_call) = (app.config.lanes, app.config.leads_per_call);
        Self { target, base: None, allowance: Allowance { left: None }, lanes, leads_per_call }
    }

    /// Divides leads into chunks. If there is a token limit, the leads' tokens are estimated first.
    pub(crate) fn plan(
        &mut self,
        about: &[&str],
        mut leads: Vec<PlanLead>,
    ) -> Result<Plan, Failure> {
        let base = self.base.as_ref().filter(|_| self.allowance.left.is_some());
        let rates = base.map(|base| base.rates(self.leads_per_call));
        if let Some(rates) = &rates {
            leads.iter_mut().for_each(|lead| lead.estimate(rates));
        }
        Plan::new(about, leads, self.lanes, (&mut self.allowance, rates.as_ref()))
    }
}

pub(crate) struct BaseContext {
    kind: Kind,
    /// Its warnings include those about the fields.
    pub(crate) rubric: Rubric,
    pub(crate) fields: LeadFields,
}

/// Reads it with two or three requests, once per plan.
pub(crate) async fn read_base<T: Transport>(
    airtable: &Airtable<T>,
    base: &BaseId,
    kind: Kind,
) -> Result<BaseContext, TaskError> {
    let mut fields = read_lead_fields(airtable, base, kind).await?;
    if kind == Kind::Profile && fields.profile.is_empty() {
        return Err(TaskError::Fatal(format!(
            "table {:?} of base {base} has neither {:?} nor {:?}; add one with the profiles",
            schema::TABLE,
            schema::RAW_PROFILE,
            schema::PROFILE_JSON
        )));
    }
    let has_active = fields.criteria_have_active;
    let mut rubric = match kind {
        Kind::Post => posts_rubric::read_posts_rubric(airtable, base, has_active).await?,
        Kind::Profile => profile_rubric::read_profile_rubric(airtable, base, has_active).await?,
    };
    if rubric.prompt.len() > MAX_RUBRIC_BYTES {
        return Err(TaskError::Fatal(format!(
            "the rubric has {} bytes; at most {MAX_RUBRIC_BYTES} are allowed: shorten it",
            rubric.prompt.len()
        )));
    }
    rubric.warnings.append(&mut fields.warnings);
    Ok(BaseContext { kind, rubric, fields })
}

impl BaseContext {
    /// The table with the leads' rows, if the schema was read.
    pub(crate) fn leads_table(&self, base: &BaseId) -> Option<LeadsTable> {
        let table = self.fields.table.clone()?;
        Some(LeadsTable { base: base.clone(), table })
    }

    /// A chunk of `plan` without leads: everything that its chunks have in common.
    pub(crate) fn empty_chunk(&self, target: PlanTarget<'_>, plan: &Plan, source: Source) -> Chunk {
        Chunk {
            run: target.run.clone(),
            plan: plan.id.clone(),
            index: 0,
            of: plan.chunk_count(),
            kind: self.kind,
            base: target.base.clone(),
            source,
            rubric: self.rubric.prompt.clone(),
            writable: self.fields.writable.clone(),
            profile_fields: match self.kind {
                Kind::Post => Vec::new(),
                Kind::Profile => self.fields.profile.clone(),
            },
            attributes: self.rubric.attributes.clone(),
            token_share: None,
            replaces: plan.replaces.clone(),
            tried: Tried::default(),
            planned_at: None,
            leads: Vec::new(),
        }
    }

    /// The rates with which the scoring of a lead is estimated.
    pub(crate) fn rates(&self, leads_per_call: usize) -> Rates {
        let frame = match self.kind {
            Kind::Post => posts::FRAME,
            Kind::Profile => profile::FRAME,
        };
        Rates { kind: self.kind, system: self.rubric.prompt.len() + frame.len(), leads_per_call }
    }
}
