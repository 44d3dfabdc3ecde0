//! Reading a harvest from Apify.

use crate::planning::harvest::Harvest;
use shared::messages::HarvestStatus;
use shared::ports::Transport;
use shared::services::apify::{Apify, ApifyError, ApifyRun};

/// Reads all that the run's input and dataset say; `None` when the dataset is gone: Apify deletes
/// unnamed ones after some days.
pub(crate) async fn harvest(
    apify: &Apify<impl Transport>,
    run: &ApifyRun,
    status: HarvestStatus,
) -> Result<Option<Harvest>, ApifyError> {
    let mut harvest = Harvest::default();
    if let Some(input) = apify.input(run).await? {
        harvest.add_input(&input, status == HarvestStatus::Succeeded);
    }
    if !apify.items(run, |item| harvest.add_item(item)).await? {
        return Ok(None);
    }
    Ok(Some(harvest))
}
