//! `runtally setup`: creates the tables and fields that the bases lack. It never changes what
//! exists. Without `--apply` it only shows what it would do.

mod starter;

use super::clients;
use super::operator::{Place, airtable};
use super::output::{fitted, of_airtable, print_json};
use crate::cli::gaps::{Gap, gaps};
use crate::result::{CommandResult, Fault};
use scoring::Client;
use serde_json::{Value, json};
use shared::adapters::http::HttpTransport;
use shared::config::{AirtableConfig, Vars};
use shared::core::ids::{BaseId, IdError};
use shared::messages::Kind;
use shared::schema::{
    CLIENT_BASE, MASTER_BASE, Table, clients as client_fields, leads, post_attributes,
};
use shared::services::airtable::{Airtable, AirtableError, TableSchema};
use starter::Filled;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally setup`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
    /// Create what is missing instead of only showing it
    #[arg(long)]
    apply: bool,
    /// Also fill empty rubric tables with a working example, to score with at once and to replace
    #[arg(long)]
    starter_rubric: bool,
    /// Base of a client that the table Clients does not list yet; can be repeated
    #[arg(long = "client-base", value_name = "BASE ID")]
    client_bases: Vec<BaseId>,
}

/// A table, field or choice that a base lacks.
type Step<'a> = (&'a BaseId, &'a Gap);

/// Why a client's base cannot be read or filled. It does not hold up the other bases.
struct Trouble {
    base: Option<BaseId>,
    message: String,
    hint: String,
}

impl Trouble {
    fn of(base: &BaseId, error: &AirtableError) -> Self {
        let hint = of_airtable(error).to_owned();
        Self { base: Some(base.clone()), message: error.to_string(), hint }
    }

    fn json(&self) -> Value {
        json!({"base": self.base, "message": self.message, "hint": self.hint})
    }

    fn line(&self) -> String {
        let base = self.base.as_ref().map(|base| format!("  {base}:")).unwrap_or_default();
        format!("by hand{base} {} → {}", self.message, self.hint)
    }
}

struct Found {
    base: BaseId,
    gaps: Vec<Gap>,
    /// Whether the base lacks the view of waiting leads, which only a person can create.
    lacks_view: bool,
}

/// Shows what is missing in the master base and in the base of each served client, and creates it
/// with `--apply`. Succeeds if nothing that matters is left for a person.
///
/// # Errors
/// When the master base cannot be read, or Airtable refuses to create something.
pub async fn run(options: &Options) -> CommandResult {
    let variables = options.place.variables()?;
    let config = AirtableConfig::read(&Vars::new(&variables))?;
    let master = config.master_base.clone();
    let airtable = airtable(config, HttpTransport::new()?);

    let tables = airtable.tables(&master).await?;
    let (bases, mut troubles) = client_bases(&airtable, &master, &tables, options).await?;
    let mut all = vec![found(&airtable, &master, &tables, &MASTER_BASE, options.apply).await?];
    let mut filled = Vec::new();
    for (base, wanted) in bases {
        match look_at(&airtable, &base, wanted, options).await {
            Ok((found, rows)) => {
                all.push(found);
                filled.extend(rows);
            }
            Err(error) => troubles.push(Trouble::of(&base, &error)),
        }
    }
    let steps: Vec<Step<'_>> =
        all.iter().flat_map(|found| found.gaps.iter().map(|gap| (&found.base, gap))).collect();
    let (to_make, by_hand): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|(_, gap)| gap.can_be_made());
    let notes: Vec<String> = all.iter().filter(|found| found.lacks_view).map(view_note).collect();
    if options.place.json {
        let by_hand = by_hand.iter().map(|(base, gap)| step(base, gap));
        let by_hand: Vec<Value> = by_hand.chain(troubles.iter().map(Trouble::json)).collect();
        let mut answer = json!({
            "applied": options.apply,
            "made": to_make.iter().map(|(base, gap)| step(base, gap)).collect::<Vec<_>>(),
            "by_hand": by_hand,
            "notes": notes,
        });
        if options.starter_rubric {
            answer["starter_rubric"] = filled.iter().map(Filled::json).collect();
        }
        print_json(&answer)?;
    } else {
        let filled = filled.iter().map(|filled| filled.line(options.apply));
        let lines: Vec<String> = troubles.iter().map(Trouble::line).chain(filled).collect();
        print(options.apply, (&to_make, &by_hand), &notes, &lines)?;
    }
    let is_sound = troubles.is_empty() && !by_hand.iter().any(|(_, gap)| gap.matters());
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a client's base lacks, and the rows for its rubric.
async fn look_at(
    airtable: &Airtable<HttpTransport>,
    base: &BaseId,
    wanted: &'static [Table],
    options: &Options,
) -> Result<(Found, Vec<Filled>), AirtableError> {
    let tables = airtable.tables(base).await?;
    let found = found(airtable, base, &tables, wanted, options.apply).await?;
    let filled = if options.starter_rubric {
        starter::fill(airtable, base, wanted, options.apply).await?
    } else {
        Vec::new()
    };
    Ok((found, filled))
}

/// The bases of served clients and the bases given as options, with the tables that each needs.
/// Also the clients that have no base.
async fn client_bases(
    airtable: &Airtable<HttpTransport>,
    master: &BaseId,
    tables: &[TableSchema],
    options: &Options,
) -> Result<(BTreeMap<BaseId, &'static [Table]>, Vec<Trouble>), Fault> {
    let whole: &'static [Table] = &CLIENT_BASE;
    let mut bases: BTreeMap<BaseId, _> =
        options.client_bases.iter().map(|base| (base.clone(), whole)).collect();
    let mut troubles = Vec::new();
    if !tables.iter().any(|table| table.name == client_fields::TABLE) {
        return Ok((bases, troubles));
    }
    let clients = match clients::list_clients(airtable, master).await {
        // A field without which no client can be served is among the gaps.
        Err(error) if error.is_unknown_name() => Vec::new(),
        listed => listed?,
    };
    for client in clients.iter().filter(|client| client.is_active()) {
        match client.base.trim().parse() {
            Ok(base) => {
                let wanted = bases.entry(base).or_insert(clients::tables_of(client));
                if client.has_scoring(Kind::Post) {
                    *wanted = whole;
                }
            }
            Err(error) => troubles.push(unusable(client, &error)),
        }
    }
    Ok((bases, troubles))
}

fn unusable(client: &Client, error: &IdError) -> Trouble {
    let field = client_fields::BASE_ID;
    Trouble {
        base: None,
        message: format!("client {:?} has no usable {field:?}: {error}", client.id),
        hint: format!("correct {field:?} in its row"),
    }
}

/// What `base` lacks, given its tables. With `apply`, creates everything that a program can create.
async fn found(
    airtable: &Airtable<HttpTransport>,
    base: &BaseId,
    tables: &[TableSchema],
    wanted: &'static [Table],
    apply: bool,
) -> Result<Found, AirtableError> {
    let gaps = gaps(tables, wanted);
    for gap in gaps.iter().filter(|_| apply) {
        match gap {
            Gap::NoTable { table } => {
                airtable.create_table(base, table.name, table.fields()).await?;
            }
            Gap::NoField { table_id, field, .. } => {
                airtable.create_field(base, table_id, field).await?;
            }
            Gap::Misspelled { .. } | Gap::WrongType { .. } | Gap::NoChoice { .. } => {}
        }
    }
    let lacks_view =
        wanted.iter().any(|table| table.name == post_attributes::TABLE) && !has_view(tables);
    Ok(Found { base: base.clone(), gaps, lacks_view })
}

fn has_view(tables: &[TableSchema]) -> bool {
    let leads = tables.iter().filter(|table| table.name == leads::TABLE);
    leads.flat_map(|table| &table.views).any(|view| view.name == leads::WAITING_VIEW)
}

fn view_note(found: &Found) -> String {
    format!(
        "base {}: the view {:?} cannot be made by a program and is not needed: waiting leads are \
         found by their fields",
        found.base,
        leads::WAITING_VIEW
    )
}

fn step(base: &BaseId, gap: &Gap) -> Value {
    match gap {
        Gap::NoTable { table } => {
            json!({"base": base, "table": table.name, "fields": table.fields().count()})
        }
        Gap::NoField { table, field, .. } => {
            json!({"base": base, "table": table.name, "field": field.name,
                "type": field.field_type.in_words()})
        }
        Gap::Misspelled { table, field: None, .. } => json!({"base": base, "table": table.name,
            "message": gap.says(), "hint": gap.what_to_do()}),
        Gap::Misspelled { table, field: Some(field), .. }
        | Gap::WrongType { table, field, .. }
        | Gap::NoChoice { table, field, .. } => {
            json!({"base": base, "table": table.name, "field": field.name, "message": gap.says(),
                "hint": gap.what_to_do()})
        }
    }
}

fn print(
    applied: bool,
    (to_make, by_hand): (&[Step<'_>], &[Step<'_>]),
    notes: &[String],
    filled: &[String],
) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    let word = if applied { "made" } else { "would make" };
    for (base, gap) in to_make {
        let what = match gap {
            Gap::NoTable { table } => {
                format!("table {:?} with {} fields", table.name, table.fields().count())
            }
            Gap::NoField { table, field, .. } => format!(
                "field {:?} ({}) in table {:?}",
                field.name,
                field.field_type.in_words(),
                table.name
            ),
            Gap::Misspelled { .. } | Gap::WrongType { .. } | Gap::NoChoice { .. } => continue,
        };
        writeln!(out, "{}", fitted(&format!("{word}  {base}: {what}"), 4))?;
    }
    for (base, gap) in by_hand {
        let line = format!("by hand  {base}: {} → {}", gap.says(), gap.what_to_do());
        writeln!(out, "{}", fitted(&line, 4))?;
    }
    for line in filled {
        writeln!(out, "{}", fitted(line, 4))?;
    }
    for note in notes {
        writeln!(out, "{}", fitted(&format!("note  {note}"), 4))?;
    }
    match (to_make.len(), applied) {
        (0, _) => writeln!(out, "There is nothing to make.")?,
        (count, true) => writeln!(out, "{count} made. Nothing that existed was changed.")?,
        (count, false) => writeln!(out, "{count} to make; `--apply` makes them.")?,
    }
    Ok(())
}
