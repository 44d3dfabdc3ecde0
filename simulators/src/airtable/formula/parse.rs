//! Parses a string into a tree.

use super::ast::{Expr, Function, Literal, Operator, Problem};
use super::{calendar, dates, logic, numbers, regexes, texts};
use crate::airtable::model::{Class, Table};
use pest::Parser;
use pest::iterators::{Pair, Pairs};
use pest::pratt_parser::{Assoc, Op, PrattParser};
use std::cell::OnceCell;
use std::sync::LazyLock;

/// Deepest nesting of brackets. Formulas that people write stay below ten.
const MAX_DEPTH: usize = 40;
/// Most operators within one pair of brackets, so that no tree is too deep to walk.
const MAX_OPERATORS: usize = 500;

/// Functions of Airtable that the simulator lacks: they depend on a locale, on a calendar of
/// holidays or on lists in cells. A formula with one of them is valid, so it is not refused as
/// wrong.
const NOT_SIMULATED: [&str; 11] = [
    "FROMNOW",
    "TONOW",
    "SET_LOCALE",
    "SET_TIMEZONE",
    "WORKDAY",
    "WORKDAY_DIFF",
    "ARRAYCOMPACT",
    "ARRAYFLATTEN",
    "ARRAYJOIN",
    "ARRAYSLICE",
    "ARRAYUNIQUE",
];

#[derive(pest_derive::Parser)]
#[grammar = "airtable/formula/formula.pest"]
struct Grammar;

static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::eq)
            | left(Rule::ne)
            | left(Rule::lt)
            | left(Rule::gt)
            | left(Rule::le)
            | left(Rule::ge))
        .op(left(Rule::join))
        .op(left(Rule::add) | left(Rule::sub))
        .op(left(Rule::mul) | left(Rule::div))
        .op(Op::prefix(Rule::negative))
});

pub(crate) fn read(text: &str, table: &Table) -> Result<Expr, Problem> {
    let expression = parse(text)?.find(|pair| pair.as_rule() == Rule::expression);
    let mut reader = Reader { table, unknown: Vec::new() };
    let expr = reader.expression(expression.ok_or(Problem::Invalid)?)?;
    if reader.unknown.is_empty() { Ok(expr) } else { Err(Problem::UnknownFields(reader.unknown)) }
}

/// The formula with new names for the fields that `new_name` knows.
pub(crate) fn replace_fields(
    text: &str,
    new_name: impl Fn(&str) -> Option<String>,
) -> Result<String, Problem> {
    let mut replaced = String::new();
    let mut done = 0;
    let named = |rule| rule == Rule::field || rule == Rule::word;
    for pair in parse(text)?.flatten().filter(|pair| named(pair.as_rule())) {
        let part = pair.as_str();
        let name = if pair.as_rule() == Rule::field { unescape(inside(part)) } else { part.into() };
        let Some(name) = new_name(&name) else { continue };
        let span = pair.as_span();
        replaced.push_str(text.get(done..span.start()).unwrap_or_default());
        replaced.push_str(&format!("{{{}}}", name.replace('}', "\\}")));
        done = span.end();
    }
    replaced.push_str(text.get(done..).unwrap_or_default());
    Ok(replaced)
}

fn parse(text: &str) -> Result<Pairs<'_, Rule>, Problem> {
    if depth(text) > MAX_DEPTH {
        return Err(Problem::Invalid);
    }
    let mut formula = Grammar::parse(Rule::formula, text).map_err(|_| Problem::Invalid)?;
    formula.next().map(Pair::into_inner).ok_or(Problem::Invalid)
}

struct Reader<'a> {
    table: &'a Table,
    unknown: Vec<String>,
}

impl Reader<'_> {
    fn expression(&mut self, pair: Pair<'_, Rule>) -> Result<Expr, Problem> {
        let pairs = pair.into_inner();
        if pairs.len() > 2 * MAX_OPERATORS {
            return Err(Problem::Invalid);
        }
        PRECEDENCE
            .map_primary(|pair| self.operand(pair))
            .map_prefix(|_, inner| Ok(Expr::Negative(Box::new(inner?))))
            .map_infix(|left, operator, right| {
                binary(operator_of(operator.as_rule())?, left?, right?)
            })
            .parse(pairs)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "few of the grammar's rules are operands")]
    fn operand(&mut self, pair: Pair<'_, Rule>) -> Result<Expr, Problem> {
        let text = pair.as_str();
        match pair.as_rule() {
            Rule::number => text.parse().map(Expr::Number).map_err(|_| Problem::Invalid),
            Rule::text => {
                Ok(Expr::Text(Literal { text: unescape(inside(text)), regex: OnceCell::new() }))
            }
            Rule::field => self.field(&unescape(inside(text))),
            Rule::word => self.field(text),
            Rule::call => self.call(pair),
            Rule::expression => self.expression(pair),
            _ => Err(Problem::Invalid),
        }
    }

    /// A field by name or id. One unknown name is enough to refuse the formula, but all are
    /// reported.
    fn field(&mut self, name: &str) -> Result<Expr, Problem> {
        if name.matches('}').count() > 1 {
            return Err(Problem::Invalid);
        }
        if let Some(field) = self.table.field(name) {
            return Ok(Expr::Field(Box::new(field.clone())));
        }
        if !self.unknown.iter().any(|known| known == name) {
            self.unknown.push(name.to_owned());
        }
        Ok(Expr::Number(0.0))
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> Result<Expr, Problem> {
        let mut inner = pair.into_inner();
        let name = inner.next().ok_or(Problem::Invalid)?.as_str().to_uppercase();
        if NOT_SIMULATED.contains(&name.as_str()) {
            return Err(Problem::NotSimulated(name));
        }
        let function = function(&name).ok_or(Problem::Invalid)?;
        let args = inner.map(|arg| self.expression(arg)).collect::<Result<Vec<_>, _>>()?;
        if args.len() < function.min || args.len() > function.max {
            return Err(Problem::Invalid);
        }
        Ok(Expr::call(function, args))
    }
}

fn function(name: &str) -> Option<&'static Function> {
    [
        logic::FUNCTIONS,
        texts::FUNCTIONS,
        dates::FUNCTIONS,
        regexes::FUNCTIONS,
        numbers::FUNCTIONS,
        calendar::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .find(|function| function.name == name)
}

/// Two operands. Users report that the service refuses to compare a checkbox with `FALSE()`.
fn binary(operator: Operator, left: Expr, right: Expr) -> Result<Expr, Problem> {
    let checkbox = |expr: &Expr| matches!(expr, Expr::Field(field) if field.spec.kind.class() == Class::Checkbox);
    if operator == Operator::Eq
        && (checkbox(&left) && right.is_call("FALSE") || checkbox(&right) && left.is_call("FALSE"))
    {
        return Err(Problem::Invalid);
    }
    Ok(Expr::Binary(operator, Box::new(left), Box::new(right)))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few of the grammar's rules are operators")]
fn operator_of(rule: Rule) -> Result<Operator, Problem> {
    Ok(match rule {
        Rule::eq => Operator::Eq,
        Rule::ne => Operator::Ne,
        Rule::lt => Operator::Lt,
        Rule::gt => Operator::Gt,
        Rule::le => Operator::Le,
        Rule::ge => Operator::Ge,
        Rule::join => Operator::Join,
        Rule::add => Operator::Add,
        Rule::sub => Operator::Sub,
        Rule::mul => Operator::Mul,
        Rule::div => Operator::Div,
        _ => return Err(Problem::Invalid),
    })
}

fn inside(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

/// The string without escapes. A backslash before any other character is literal, because regular
/// expressions such as `\d` rely on it.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some(escaped @ ('\\' | '\'' | '"' | '{' | '}')) => plain.push(escaped),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

/// The nesting depth of the brackets outside strings and field names.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut closes = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (closes, letter) {
            (Some(_), '\\') => drop(letters.next()),
            (Some(end), _) if end == letter => closes = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => closes = Some(letter),
            (None, '{') => closes = Some('}'),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
