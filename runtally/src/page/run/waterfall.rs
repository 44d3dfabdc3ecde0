//! The waterfall: a drawing of lanes, chunks and waves over time.

use super::gaps::{Gap, gaps};
use super::view::View;
use super::waves::{AttemptLine, ChunkLine, RoundLine, WaveLine, chunk_lines};
use crate::page::figures::{grouped, span};
use crate::page::open_book::OpenBook;
use jiff::Timestamp;
use maud::{Markup, html};
use shared::core::counted::counted;
use shared::messages::MetricsEvent;

/// Most chunks that are drawn: unfinished ones first, then the latest.
const MAX_CHUNKS: usize = 40;
/// Widths in units of the drawing: of the labels, and of the time axis.
const LABELS: f64 = 150.0;
const WIDTH: f64 = 850.0;
/// Heights: of a wave, and of the space around a chunk's waves.
const WAVE: f64 = 7.0;
const AROUND: f64 = 9.0;
const TOP: f64 = 26.0;
/// A long gap is drawn this wide, relative to the time in which something happened.
const GAP_SHARE: f64 = 0.12;

pub(super) fn section(view: &View<'_>, open: &OpenBook) -> Markup {
    let lines = chunk_lines(&open.events, view.source.lanes);
    let is_over = open.known.summary.status.is_end();
    let end = if is_over { None } else { Some(view.now) };
    html! {
        section #waterfall data-live aria-labelledby="waterfall-title" {
            h2 #waterfall-title { "How it went" }
            @if lines.is_empty() {
                p { "No chunk is planned yet." }
            } @else {
                (legend())
                (drawing(&lines, &open.events, end))
            }
        }
    }
}

fn legend() -> Markup {
    let entries = [
        ("queued", "queued"),
        ("asked", "asked, until billed"),
        ("refused", "refused or lost"),
        ("writing", "billed, until written"),
        ("unheard", "no answer known"),
    ];
    html! {
        ul .legend {
            @for (class, name) in entries { li { span class={"key " (class)} {} (name) } }
            li { span .key .gap {} "cut: a time without events" }
        }
    }
}

/// Maps times to positions. Long gaps are shortened.
struct Scale {
    /// Times and their positions, in order.
    stops: Vec<(f64, f64)>,
    start: Timestamp,
}

impl Scale {
    fn new(start: Timestamp, end: Timestamp, gaps: &[Gap]) -> Self {
        let seconds = |at: Timestamp| at.duration_since(start).as_secs_f64();
        let cut: f64 = gaps.iter().map(|gap| gap.to.duration_since(gap.from).as_secs_f64()).sum();
        let active = (seconds(end) - cut).max(1.0);
        let of_gap = active * GAP_SHARE;
        let mut stops = vec![(0.0, 0.0)];
        for gap in gaps {
            let (_, before) = *stops.last().expect("it begins with one");
            let (at, _) = *stops.last().expect("it begins with one");
            let from = before + seconds(gap.from) - at;
            stops.push((seconds(gap.from), from));
            stops.push((seconds(gap.to), from + of_gap));
        }
        let (at, before) = *stops.last().expect("it begins with one");
        let last = seconds(end).max(at + 0.001);
        stops.push((last, before + last - at));
        Self { stops, start }
    }

    /// The position of a time, in units of the drawing.
    fn x(&self, at: Timestamp) -> f64 {
        let seconds = at.duration_since(self.start).as_secs_f64().max(0.0);
        let (last, whole) = *self.stops.last().expect("it has two at least");
        let seconds = seconds.min(last);
        let next = self.stops.partition_point(|(stop, _)| *stop < seconds).max(1);
        let next = next.min(self.stops.len() - 1);
        let ((from, a), (to, b)) = (self.stops[next - 1], self.stops[next]);
        let share = if to > from { (seconds - from) / (to - from) } else { 0.0 };
        LABELS + (a + (b - a) * share) / whole * WIDTH
    }
}

fn drawing(lines: &[ChunkLine], events: &[MetricsEvent], end: Option<Timestamp>) -> Markup {
    let queued = lines.iter().map(|line| line.queued);
    let start = queued.min().unwrap_or_default();
    let of_run = events.iter().map(|event| event.at).filter(|at| *at >= start);
    let last = of_run.max().unwrap_or(start).max(end.unwrap_or(start));
    let gaps: Vec<Gap> = gaps(events).into_iter().filter(|gap| gap.from >= start).collect();
    let scale = Scale::new(start, last, &gaps);
    let mut shown: Vec<&ChunkLine> = lines.iter().collect();
    if shown.len() > MAX_CHUNKS {
        shown.sort_by_key(|line| (line.done.is_some(), std::cmp::Reverse(line.queued), line.index));
        shown.truncate(MAX_CHUNKS);
        shown.sort_by_key(|line| (line.lane, line.queued, line.index));
    }
    let mut y = TOP;
    let rows: Vec<(f64, &ChunkLine)> = shown
        .into_iter()
        .map(|line| {
            let top = y;
            y += height(line);
            (top, line)
        })
        .collect();
    let left_out = lines.len() - rows.len();
    let label = format!(
        "{} from {} over {}",
        counted(lines.len() as u64, "chunk"),
        start.strftime("%H:%M:%S"),
        span(last.duration_since(start))
    );
    html! {
        div .scroll .waterfall tabindex="0" role="region" aria-label="Chunks and waves over time" {
            svg viewBox=(format!("0 0 1000 {y:.0}")) role="img" aria-label=(label) {
                (axis(&scale, start, last, y))
                @for gap in &gaps { (cut(&scale, gap, y)) }
                @for (at, (top, line)) in rows.iter().enumerate() {
                    (chunk(&scale, *top, line, last, at == 0 || rows[at - 1].1.lane != line.lane))
                }
            }
        }
        @if left_out > 0 { p .count { (left_out) " more chunks are done and not drawn." } }
    }
}

fn height(line: &ChunkLine) -> f64 {
    let waves: usize = line.attempts.iter().map(|attempt| attempt.waves.len()).sum();
    AROUND + WAVE * f64::from(u32::try_from(waves.max(1)).unwrap_or(u32::MAX))
}

fn axis(scale: &Scale, start: Timestamp, last: Timestamp, bottom: f64) -> Markup {
    let middle = start + last.duration_since(start) / 2;
    let ticks = [(start, "start"), (middle, "middle"), (last, "end")];
    html! {
        @for (at, anchor) in ticks {
            @let x = scale.x(at);
            line .tick x1=(n(x)) x2=(n(x)) y1="18" y2=(n(bottom)) {}
            text .label x=(n(x)) y="12" text-anchor=(anchor) { (at.strftime("%H:%M:%S")) }
        }
    }
}

fn cut(scale: &Scale, gap: &Gap, bottom: f64) -> Markup {
    let (from, to) = (scale.x(gap.from), scale.x(gap.to));
    html! {
        g .gap {
            rect x=(n(from)) y="18" width=(n((to - from).max(1.0))) height=(n(bottom - 18.0)) {
                title { (gap.in_words()) }
            }
            text .label x=(n((from + to) / 2.0)) y="24" text-anchor="middle" { (span(gap.to.duration_since(gap.from))) }
        }
    }
}

fn chunk(scale: &Scale, top: f64, line: &ChunkLine, last: Timestamp, is_first: bool) -> Markup {
    let first = line.attempts.first().map(|attempt| attempt.started);
    let over = line.done.or(line.failed.as_ref().map(|(at, _)| *at));
    let begun = first.or(over).unwrap_or(last);
    let name = format!("chunk {}", line.index + 1);
    let kind = line.kind.as_str();
    html! {
        g .chunk {
            @if is_first { text .lane x="0" y=(n(top + 9.0)) { "lane " (line.lane + 1) } }
            text .label x="52" y=(n(top + 9.0)) { (name) " · " (line.leads) }
            rect .queued x=(n(scale.x(line.queued))) y=(n(top + 2.0)) height="4"
                width=(n((scale.x(begun) - scale.x(line.queued)).max(1.0))) {
                title { (name) " of " (kind) "s queued " (span(begun.duration_since(line.queued))) }
            }
            (waves(scale, top, line, last))
            @if let Some(at) = line.done {
                circle .done cx=(n(scale.x(at))) cy=(n(top + 4.0)) r="3" { title { (name) " settled" } }
            }
            @if let Some((at, why)) = &line.failed {
                circle .failed cx=(n(scale.x(*at))) cy=(n(top + 4.0)) r="3" { title { (name) " given up: " (why) } }
            }
        }
    }
}

fn waves(scale: &Scale, top: f64, line: &ChunkLine, last: Timestamp) -> Markup {
    let waves = line.attempts.iter().enumerate();
    let waves = waves.flat_map(|(number, attempt): (usize, &AttemptLine)| {
        attempt.waves.iter().enumerate().map(move |(at, wave)| (number, at, wave))
    });
    let over = line.done.or(line.failed.as_ref().map(|(at, _)| *at));
    html! {
        @for (row, (attempt, at, line)) in waves.enumerate() {
            @let y = top + 2.0 + WAVE * f64::from(u32::try_from(row).unwrap_or(u32::MAX));
            (wave(scale, y, (attempt, at), line, over.unwrap_or(last)))
        }
    }
}

fn wave(
    scale: &Scale,
    y: f64,
    (attempt, at): (usize, usize),
    wave: &WaveLine,
    last: Timestamp,
) -> Markup {
    let name = format!("attempt {}, wave {}", attempt + 1, at + 1);
    let billed = wave.rounds.iter().filter_map(|round| round.billed).max();
    html! {
        @for round in &wave.rounds {
            @if let Some(asked) = round.asked {
                @let to = scale.x(round.billed.unwrap_or(last));
                rect class=(class(round)) x=(n(scale.x(asked))) y=(n(y)) height="5" width=(n((to - scale.x(asked)).max(1.5))) {
                    title { (name) ": " (round_in_words(round)) }
                }
            }
        }
        @if let (Some(billed), Some(written)) = (billed, wave.written) {
            @let from = scale.x(billed);
            rect .writing x=(n(from)) y=(n(y)) height="5" width=(n((scale.x(written) - from).max(1.5))) {
                title { (name) ": rows written in " (span(written.duration_since(billed))) }
            }
        }
    }
}

fn class(round: &RoundLine) -> &'static str {
    match round.billed {
        None => "unheard",
        Some(_) if round.answered == 0 => "refused",
        Some(_) => "asked",
    }
}

fn round_in_words(round: &RoundLine) -> String {
    let RoundLine { calls, answered, refused, lost, tokens, .. } = round;
    let time = round.asked.zip(round.billed).map(|(from, to)| to.duration_since(from));
    match time {
        None => format!("{}, no answer is known", counted(*calls, "call")),
        Some(time) => {
            let halt =
                round.halt.as_ref().map(|halt| format!("; waits: {halt}")).unwrap_or_default();
            format!(
                "{} in {}: {answered} answered with {} tokens, {refused} refused, {lost} lost{halt}",
                counted(*calls, "call"),
                span(time),
                grouped(*tokens)
            )
        }
    }
}

/// A number in SVG notation.
fn n(number: f64) -> String {
    format!("{number:.1}")
}
