//! Lists rows, and gets single rows.

use super::error::ApiError;
use super::formula::{Context, Formula};
use super::ids;
use super::iterators::Asked;
use super::model::{Class, Field, Record, Table};
use super::query::{Query, Select};
use super::render::Shape;
use super::state::{Place, State};
use crate::Request;
use crate::reply::parameters;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::sync::Arc;

pub(crate) fn list(
    state: &mut State,
    place: Place<'_>,
    query: &Query,
    now: Timestamp,
    page_rows: usize,
) -> Result<Value, ApiError> {
    state.iterators.drop_idle(now);
    let (found, table) = state.table(place)?;
    query.shape.check(table)?;
    let table_id = table.id.clone();
    let page_size = query.page_size.min(page_rows);
    let asked = Asked { table: &table_id, question: &query.select, page_size, now };
    let page = match &query.offset {
        Some(offset) => state.iterators.next(offset, &asked)?,
        None => {
            let context = Context { base: found, now, regexes: &state.regexes };
            let rows = select(&context, table, &query.select)?;
            state.iterators.first(&mut state.ids, &asked, rows)
        }
    };
    let (base, table) = state.table((place.0, &table_id))?;
    let columns = query.shape.columns(table);
    let row = |id: &Arc<str>| {
        table.records.get(id).map(|record| query.shape.row(base, &columns, id, record))
    };
    let rows: Vec<Value> = page.rows.iter().filter_map(row).collect();
    let mut reply: Value = [("records", rows)].into_iter().collect();
    if let Some(offset) = page.offset {
        reply["offset"] = json!(offset);
    }
    Ok(reply)
}

/// One row, from any table of the base.
pub(crate) fn get(
    state: &State,
    base: &str,
    id: &str,
    request: &Request,
) -> Result<Value, ApiError> {
    const KEYS: &[&str] = &["cellFormat", "returnFieldsByFieldId", "timeZone", "userLocale"];
    let pairs = parameters(request);
    if pairs.iter().any(|(key, _)| !KEYS.contains(&key.as_str())) {
        return Err(ApiError::InvalidRequest);
    }
    let shape = Shape::read(&pairs)?;
    if !ids::is_id("rec", id) {
        return Err(ApiError::NotFound);
    }
    let base = state.base(base)?;
    let row = |table: &Table| {
        let record = table.records.get(id)?;
        Some(shape.row(base, &shape.columns(table), id, record))
    };
    base.tables.iter().find_map(row).ok_or(ApiError::Forbidden)
}

/// The ids of the requested rows, in the requested order.
fn select(
    context: &Context<'_>,
    table: &Table,
    select: &Select,
) -> Result<Vec<Arc<str>>, ApiError> {
    let mut formulas = Vec::new();
    if let Some(key) = &select.view {
        let view = table.view(key).ok_or_else(|| no_view(key))?;
        if let Some(filter) = &view.filter {
            formulas.push(read(filter, table)?);
        }
    }
    if let Some(filter) = &select.filter {
        formulas.push(read(filter, table)?);
    }
    let sorts = select.sort.iter().map(|sort| {
        let field = table
            .field(&sort.field)
            .ok_or_else(|| ApiError::UnknownField(sort.field.to_owned()))?;
        Ok((field, sort.descending))
    });
    let sorts = sorts.collect::<Result<Vec<_>, ApiError>>()?;

    let mut rows = candidates(table, &formulas);
    rows.retain(|(id, record)| formulas.iter().all(|f| f.keeps(context, id, record)));
    // Without view and sort, rows are in the order of their ids, which is arbitrary.
    if select.view.is_some() {
        rows.sort_by_key(|(_, record)| record.seq);
    }
    if !sorts.is_empty() {
        rows.sort_by(|(_, left), (_, right)| compare(&sorts, left, right));
    }
    rows.truncate(select.max_records.unwrap_or(usize::MAX));
    Ok(rows.into_iter().map(|(id, _)| Arc::clone(id)).collect())
}

/// The rows that the query can keep: those whose ids the formula lists, or else all.
fn candidates<'a>(table: &'a Table, formulas: &[Formula]) -> Vec<(&'a Arc<str>, &'a Record)> {
    let Some(mut ids) = formulas.iter().find_map(Formula::record_ids) else {
        return table.records.iter().collect();
    };
    ids.sort_unstable();
    ids.into_iter().filter_map(|id| table.records.get_key_value(id)).collect()
}

fn read(text: &str, table: &Table) -> Result<Formula, ApiError> {
    Ok(Formula::read(text, table)?)
}

fn no_view(key: &str) -> ApiError {
    let by_id = ids::is_id("viw", key);
    let kind = if by_id { "VIEW_ID_NOT_FOUND" } else { "VIEW_NAME_NOT_FOUND" };
    ApiError::Unprocessable(kind, format!("View {key} not found"))
}

fn compare(sorts: &[(&Field, bool)], left: &Record, right: &Record) -> Ordering {
    let by = |&(field, descending): &(&Field, bool)| {
        let order = compare_cells(field, left, right);
        if descending { order.reverse() } else { order }
    };
    sorts.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Compares cells: empty cells first, choices in the order of the field, texts without regard to
/// case.
fn compare_cells(field: &Field, left: &Record, right: &Record) -> Ordering {
    let (left, right) = match (Table::cell(left, field), Table::cell(right, field)) {
        (Some(left), Some(right)) => (left, right),
        (left, right) => return left.is_some().cmp(&right.is_some()),
    };
    if field.spec.kind.class() == Class::OneChoice {
        let place = |cell: &Value| {
            field.spec.kind.choices().iter().position(|choice| cell == choice.name.as_str())
        };
        return place(&left).cmp(&place(&right));
    }
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        (None, _) | (_, None) => {
            let text = |cell: &Value| super::display::plain(cell).to_lowercase();
            text(&left).cmp(&text(&right))
        }
    }
}
