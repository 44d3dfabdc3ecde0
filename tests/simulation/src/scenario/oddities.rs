//! Odd cells and requests that exist before anything happens.

use super::invented::{Asked, Scenario};
use crate::dice::Dice;
use crate::fault::Fault;
use serde_json::json;
use shared::schema::{clients, leads};
use simulators::airtable::Airtable;
use std::time::Duration;
use tests::MASTER_BASE;

/// The beginning of the ids of runs that name a harvest of another run.
pub(crate) const ANOTHER_RUN: &str = "261122-2330";
/// The id of a lead that does not exist.
pub(crate) const NOBODY: &str = "recNobody00000001";
/// Fields of a lead's row that are needed to decide about its posts.
const DECISIVE: [&str; 3] = [leads::PROFILE_URL, leads::POSTS_EVALUATION, leads::DATE_POSTS_SCORED];

impl Scenario {
    /// Adds the oddities for which `happens` is true.
    pub(crate) fn add_oddities(
        &mut self,
        dice: &Dice,
        airtable: &Airtable,
        happens: impl Fn(Fault) -> bool,
    ) {
        for client in 0..self.clients.len() {
            if happens(Fault::ErrorCell) {
                self.break_a_cell(dice, airtable, client);
            }
            if happens(Fault::LimitUnreadable) {
                self.break_the_limit(airtable, client);
            }
        }
        if happens(Fault::UnknownLeadNamed) {
            self.name_leads(dice);
        }
    }

    fn break_a_cell(&mut self, dice: &Dice, airtable: &Airtable, client: usize) {
        let client = &mut self.clients[client];
        let place = dice.below(client.leads.len());
        let lead = &mut client.leads[place];
        let field = DECISIVE[dice.below(DECISIVE.len())];
        let error = json!({"error": "#ERROR!"});
        let table = (client.base, leads::TABLE);
        airtable.put_cell(table, &lead.record, field, error).expect("the row is there");
        lead.odd = Some(field);
    }

    fn break_the_limit(&mut self, airtable: &Airtable, client: usize) {
        let client = &mut self.clients[client];
        let rows = airtable.rows(MASTER_BASE, clients::TABLE).expect("the clients");
        let row = rows.iter().find(|row| row.fields[clients::CLIENT_ID] == client.id);
        let row = row.expect("the client's row");
        let (table, no_number) = ((MASTER_BASE, clients::TABLE), json!({"specialValue": "NaN"}));
        let field = clients::POST_TOKEN_LIMIT;
        airtable.put_cell(table, &row.id, field, no_number).expect("the row is there");
        (client.is_limited, client.has_unreadable_limit) = (true, true);
    }

    /// Somebody requests scoring of some leads of a client, and of one that does not exist.
    fn name_leads(&mut self, dice: &Dice) {
        let client = &self.clients[dice.below(self.clients.len())];
        let some = (0..3).map(|_| client.leads[dice.below(client.leads.len())].record.as_str());
        let named: Vec<&str> = some.chain([NOBODY]).collect();
        let run_stamp = format!("261122-2330{:02}", client.index);
        let id = client.id;
        self.requests.push(Asked {
            client: client.index,
            kind: "post",
            run: format!("{run_stamp}-{id}"),
            body: json!({"clientId": id, "kind": "post", "runId": run_stamp, "leadIds": named})
                .to_string(),
            names_leads: true,
            sent_after: dice.within(Duration::from_mins(10)),
        });
    }
}
