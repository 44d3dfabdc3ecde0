//! Colours, if the terminal has them and `NO_COLOR` is not set.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use shared::schema::run_record;

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Tone {
    Good,
    Warning,
    Bad,
    /// Something is in progress.
    Busy,
    /// What the reader looks for.
    Strong,
    /// What the reader may skip.
    Quiet,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Busy => AnsiColor::Cyan.on_default(),
            Self::Strong => Style::new().bold(),
            Self::Quiet => Style::new().dimmed(),
        }
    }
}

/// Colours text, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Paint {
    is_on: bool,
}

impl Paint {
    pub(in crate::cli) fn of_stdout() -> Self {
        Self { is_on: AutoStream::choice(&std::io::stdout()) != ColorChoice::Never }
    }

    pub(super) fn of_stderr() -> Self {
        Self { is_on: AutoStream::choice(&std::io::stderr()) != ColorChoice::Never }
    }

    /// The text in this tone.
    pub(in crate::cli) fn put(self, tone: Tone, text: &str) -> String {
        let style = tone.style();
        if self.is_on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    #[cfg(test)]
    pub(super) fn always(is_on: bool) -> Self {
        Self { is_on }
    }
}

/// The tone of a run's status; `None` if `status` is not a status.
pub(in crate::cli) fn status_tone(status: &str) -> Option<Tone> {
    let tones = [Tone::Busy, Tone::Good, Tone::Warning, Tone::Bad, Tone::Bad];
    run_record::STATUSES
        .iter()
        .zip(tones)
        .find(|(known, _)| **known == status)
        .map(|(_, tone)| tone)
}
