//! From leads to chunks. Pure: the same leads give the same plan.

use crate::budget::{Allowance, Rates};
use crate::planning::harvest::ProfilePosts;
use crate::posts::stored::{CELL_MAX, StoredPost, length};
use crate::prompt::template::About;
use shared::core::digest::id_of;
use shared::core::ids::{BaseId, LeadKey, PlanId, RecordId};
use shared::core::limits::MAX_MESSAGE_BYTES;
use shared::core::linkedin::ProfileKey;
use shared::messages::{
    Chunk, ChunkLead, Fact, Kind, LeadRef, MAX_PLAN_LEADS, Planned, PlannedChunk, PlannedLead,
    Post, ProfileAttribute, RunHeader, Source, routes,
};
use shared::ports::OutgoingMessage;

/// Most leads of a chunk.
const CHUNK_LEADS: usize = 50;
/// Most leads of a chunk that may use so many tokens only: what its leads leave of its share, or
/// use beyond it, is evened out within a chunk and nowhere else.
const LIMITED_CHUNK_LEADS: usize = 500;
/// Room for the leads of a chunk, in bytes of their JSON: a message less what else it carries.
const CHUNK_BYTES: usize = MAX_MESSAGE_BYTES - 300_000;
/// Longest system prompt that fits beside a chunk's leads.
pub(crate) const MAX_RUBRIC_BYTES: usize = 200_000;

/// What a plan is about.
pub(crate) struct Plan {
    pub(crate) id: PlanId,
    /// The plan whose leads it takes over.
    pub(crate) replaces: Option<PlanId>,
    chunks: Vec<LaneChunk>,
}

/// A chunk and its lane. Chunks of one lane are worked on one after the other, and a lead is in
/// the same lane in every plan: no two workers write its row at the same time.
struct LaneChunk {
    lane: u32,
    leads: Vec<PlanLead>,
    /// Most tokens that it may use; `None` for a client without a limit.
    share: Option<u64>,
}

/// A lead of a plan, with the number of dataset items that are its.
#[derive(Debug, Clone)]
pub(crate) struct PlanLead {
    lead: ChunkLead,
    items: u32,
    /// Posts that no cell has room for.
    dropped: usize,
    /// What scoring it is expected to use.
    tokens: u64,
}

/// A plan that is too large. Nothing of it is begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{leads} leads are more than a plan takes ({MAX_PLAN_LEADS}); split the harvest")]
pub(crate) struct TooManyLeads {
    leads: usize,
}

/// What all chunks of a plan carry.
pub(crate) struct ChunkFrame {
    pub(crate) run: RunHeader,
    pub(crate) kind: Kind,
    pub(crate) base: BaseId,
    pub(crate) source: Source,
    pub(crate) rubric: String,
    pub(crate) writable: Vec<String>,
    pub(crate) profile_fields: Vec<String>,
    pub(crate) attributes: Vec<ProfileAttribute>,
}

impl PlanLead {
    /// A lead that a harvest was asked for. Of more posts than any cell holds, the newest stay.
    pub(crate) fn harvested(profile: ProfileKey, found: ProfilePosts) -> Self {
        let items = found.items;
        let mut room = CELL_MAX;
        let fits = |post: &Post| match room.checked_sub(length([&StoredPost::from(post)])) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        let (posts, dropped): (Vec<Post>, Vec<Post>) =
            found.newest_first().into_iter().partition(fits);
        let key = profile.lead_key();
        let lead = ChunkLead { key, lead: LeadRef::Profile(profile), posts };
        Self { lead, items, dropped: dropped.len(), tokens: 0 }
    }

    /// A lead that was waiting.
    pub(crate) fn waiting(key: LeadKey, record: RecordId, tokens: u64) -> Self {
        let lead = ChunkLead { key, lead: LeadRef::Record(record), posts: Vec::new() };
        Self { lead, items: 0, dropped: 0, tokens }
    }

    /// Estimates what scoring the lead will use. Of what only its row holds it knows nothing:
    /// some is assumed, and the chunk measures.
    pub(crate) fn estimate(&mut self, rates: &Rates) {
        if matches!(self.lead.lead, LeadRef::Record(_)) {
            let (bytes, answers) = match rates.kind {
                Kind::Post => (4_000, 4),
                Kind::Profile => (8_000, 1),
            };
            self.tokens = rates.of_lead(bytes, answers);
            return;
        }
        let worded = self.lead.posts.iter().filter(|post| !post.content.trim().is_empty());
        let about = About::Posts(worded.map(StoredPost::from).collect());
        self.tokens = rates.of_lead(about.bytes(), about.answers());
    }

    /// The lead's key.
    pub(crate) fn key(&self) -> &LeadKey {
        &self.lead.key
    }
}

impl Plan {
    /// Divides leads into chunks. The plan's id is made of `about`, of what is left of the
    /// allowance, and of the leads with their posts: planned again from the same harvest it is
    /// the same plan. Leads that the allowance is not enough for are planned too, in chunks that
    /// may use nothing: the run's record counts them.
    pub(crate) fn new(
        about: &[&str],
        leads: Vec<PlanLead>,
        lanes: u32,
        allowance: &mut Allowance,
    ) -> Result<Self, TooManyLeads> {
        if leads.len() > MAX_PLAN_LEADS {
            return Err(TooManyLeads { leads: leads.len() });
        }
        let mut parts: Vec<String> = about.iter().map(|part| (*part).to_owned()).collect();
        parts.push(lanes.to_string());
        parts.extend(allowance.left().map(|left| format!("{left} tokens")));
        for PlanLead { lead, items, .. } in &leads {
            parts.push(lead.key.to_string());
            parts.push(items.to_string());
            parts.extend(lead.posts.iter().map(|post| post.key().to_string()));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let id = id_of(&parts).try_into().expect("an id has the form of a plan id");
        if !allowance.is_limited() {
            return Ok(Self { id, replaces: None, chunks: chunks(leads, lanes, CHUNK_LEADS) });
        }
        let (allowed, beyond): (Vec<_>, Vec<_>) =
            leads.into_iter().partition(|lead| allowance.take(lead.tokens));
        let mut chunks_of_both = chunks(allowed, lanes, LIMITED_CHUNK_LEADS);
        for chunk in &mut chunks_of_both {
            chunk.share = Some(chunk.leads.iter().map(|lead| lead.tokens).sum());
        }
        chunks_of_both.extend(
            chunks(beyond, lanes, LIMITED_CHUNK_LEADS)
                .into_iter()
                .map(|chunk| LaneChunk { share: Some(0), ..chunk }),
        );
        Ok(Self { id, replaces: None, chunks: chunks_of_both })
    }

    /// The plan, as one that takes over leads of `plan`.
    pub(crate) fn replacing(self, plan: &PlanId) -> Self {
        Self { replaces: Some(plan.clone()), ..self }
    }

    /// How many posts no cell has room for.
    pub(crate) fn dropped_posts(&self) -> usize {
        self.chunks.iter().flat_map(|chunk| &chunk.leads).map(|lead| lead.dropped).sum()
    }

    /// The facts about the plan, to be sent when its chunks are queued.
    pub(crate) fn facts(&self, kind: Kind, part_of: Option<PlanId>) -> Vec<Fact> {
        let mut facts: Vec<Fact> = self
            .chunks
            .iter()
            .zip(0..)
            .map(|(LaneChunk { leads, .. }, chunk)| {
                let leads = leads.iter().map(|lead| planned(&lead.lead, lead.items)).collect();
                Fact::PlannedChunk(PlannedChunk { plan: self.id.clone(), kind, chunk, leads })
            })
            .collect();
        let (plan, chunks) = (self.id.clone(), self.of());
        let replaces = self.replaces.clone();
        facts.push(Fact::Planned(Planned { plan, kind, chunks, part_of, replaces }));
        facts
    }

    /// The chunks as messages; a lane is a message group.
    pub(crate) fn into_messages(self, frame: &ChunkFrame) -> Vec<OutgoingMessage> {
        let of = self.of();
        let (plan, replaces) = (self.id, self.replaces);
        self.chunks
            .into_iter()
            .zip(0..)
            .map(|(LaneChunk { lane, leads, share }, index)| {
                let chunk = Chunk {
                    run: frame.run.clone(),
                    plan: plan.clone(),
                    index,
                    of,
                    kind: frame.kind,
                    base: frame.base.clone(),
                    source: frame.source.clone(),
                    rubric: frame.rubric.clone(),
                    writable: frame.writable.clone(),
                    profile_fields: frame.profile_fields.clone(),
                    attributes: frame.attributes.clone(),
                    token_share: share,
                    replaces: replaces.clone(),
                    leads: leads.into_iter().map(|lead| lead.lead).collect(),
                };
                routes::chunk(chunk, lane)
            })
            .collect()
    }

    fn of(&self) -> u32 {
        u32::try_from(self.chunks.len()).expect("a plan has at most 25,000 chunks")
    }
}

/// Chunks of at most `most` leads of one lane that fit into a message.
fn chunks(leads: Vec<PlanLead>, lanes: u32, most: usize) -> Vec<LaneChunk> {
    let mut of_lanes: Vec<Vec<PlanLead>> = (0..lanes).map(|_| Vec::new()).collect();
    for lead in leads {
        let lane = lane_of(&lead.lead, of_lanes.len());
        of_lanes[lane].push(lead);
    }
    let mut chunks: Vec<LaneChunk> = Vec::new();
    for (lane, leads) in (0..).zip(of_lanes) {
        let mut room = 0;
        for lead in leads {
            let size = json_len(&lead.lead);
            match chunks.last_mut() {
                Some(chunk) if chunk.lane == lane && chunk.leads.len() < most && size <= room => {
                    room -= size;
                    chunk.leads.push(lead);
                }
                Some(_) | None => {
                    room = CHUNK_BYTES.saturating_sub(size);
                    chunks.push(LaneChunk { lane, leads: vec![lead], share: None });
                }
            }
        }
    }
    chunks
}

/// A lead as a plan tells of it.
fn planned(lead: &ChunkLead, items: u32) -> PlannedLead {
    let record = match &lead.lead {
        LeadRef::Record(record) => Some(record.clone()),
        LeadRef::Profile(_) => None,
    };
    PlannedLead { lead: lead.key.clone(), posts: items, record }
}

/// What a chunk of waiting leads tells of its plan itself. Planning that dies between queueing it
/// and telling of it begins anew with those that wait still, and these would be in no plan.
pub(crate) fn fact_of(chunk: &Chunk) -> Fact {
    Fact::PlannedChunk(PlannedChunk {
        plan: chunk.plan.clone(),
        kind: chunk.kind,
        chunk: chunk.index,
        leads: chunk.leads.iter().map(|lead| planned(lead, 0)).collect(),
    })
}

/// The lane of a lead, made from its key alone.
fn lane_of(lead: &ChunkLead, lanes: usize) -> usize {
    let sum: usize = lead.key.as_str().bytes().map(usize::from).sum();
    sum % lanes
}

fn json_len(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::core::linkedin::PostUrl;
    use shared::messages::{PostKind, RunType};

    fn post(url: &str, content: String) -> Post {
        Post {
            url: PostUrl(url.to_owned()),
            content,
            posted_at: String::new(),
            author_url: String::new(),
            author: String::new(),
            kind: PostKind::Original,
            likes: 0,
            comments: 0,
            reposts: 0,
            image_url: String::new(),
        }
    }

    fn lead(n: usize, posts: Vec<Post>) -> PlanLead {
        let profile = ProfileKey::of(&format!("linkedin.com/in/lead-{n}")).unwrap();
        let mut found = ProfilePosts::default();
        for post in posts {
            found.add(post);
        }
        PlanLead::harvested(profile, found)
    }

    fn frame() -> ChunkFrame {
        ChunkFrame {
            run: RunHeader {
                run_stamp: "261123-100000".parse().unwrap(),
                client: "Guy-Wilson".parse().unwrap(),
                client_name: "Guy Wilson".to_owned(),
                run_type: RunType::Standalone,
                opened_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            },
            kind: Kind::Post,
            base: "appX8s1pPiBf5rqTz".parse().unwrap(),
            source: Source::Waiting,
            rubric: "r".repeat(MAX_RUBRIC_BYTES),
            writable: Vec::new(),
            profile_fields: Vec::new(),
            attributes: Vec::new(),
        }
    }

    fn plan(about: &[&str], leads: Vec<PlanLead>, lanes: u32) -> Result<Plan, TooManyLeads> {
        Plan::new(about, leads, lanes, &mut Allowance::new(None))
    }

    #[test]
    fn a_chunk_has_at_most_fifty_leads_and_a_lead_keeps_its_lane() {
        let lanes = |leads: Vec<PlanLead>| {
            let plan = super::tests::plan(&["a"], leads, 2).unwrap();
            let lanes = plan.chunks.iter().flat_map(|chunk| {
                assert!(chunk.leads.len() <= CHUNK_LEADS);
                chunk.leads.iter().map(|lead| (lead.lead.key.clone(), chunk.lane))
            });
            lanes.collect::<std::collections::BTreeMap<_, _>>()
        };
        let all = lanes((0..120).map(|n| lead(n, vec![])).collect());
        assert_eq!(all.len(), 120);
        let in_first = all.values().filter(|lane| **lane == 0).count();
        assert!((30..=90).contains(&in_first), "both lanes work: {in_first}");
        for (key, lane) in lanes((100..140).map(|n| lead(n, vec![])).collect()) {
            assert!(all.get(&key).is_none_or(|known| *known == lane));
        }
        let messages = plan(&["a"], vec![lead(1, vec![])], 1).unwrap().into_messages(&frame());
        assert_eq!(messages[0].group(), "appX8s1pPiBf5rqTz#0");
    }

    #[test]
    fn every_chunk_fits_into_a_message_whatever_its_leads_posted() {
        let wordy = |n| {
            lead(n, (0..40).map(|p| post(&format!("u{n}-{p}"), "\u{1}é\"".repeat(900))).collect())
        };
        let plan = super::tests::plan(&["a"], (0..30).map(wordy).collect(), 2).unwrap();
        assert!(plan.chunks.len() > 1);
        for message in plan.into_messages(&frame()) {
            assert!(message.body().len() <= MAX_MESSAGE_BYTES, "{}", message.body().len());
        }
    }

    #[test]
    fn posts_that_no_cell_has_room_for_are_left_out_oldest_first_and_counted() {
        let posts = [("old", "2024", 30_000), ("new", "2026", 60_000), ("long", "2025", 60_000)];
        let posts = posts.map(|(url, posted_at, length)| Post {
            posted_at: posted_at.to_owned(),
            ..post(url, "ж".repeat(length))
        });
        let plan = super::tests::plan(&["a"], vec![lead(1, posts.to_vec())], 1).unwrap();
        let kept = &plan.chunks[0].leads[0].lead.posts;
        assert_eq!(kept.iter().map(|post| post.url.as_str()).collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(plan.dropped_posts(), 1);
    }

    #[test]
    fn a_plan_of_the_same_content_is_the_same_plan() {
        let id = |leads| plan(&["run", "harvest"], leads, 2).unwrap().id;
        let one = || vec![lead(1, vec![post("u", "x".into())])];
        assert_eq!(id(one()), id(one()));
        assert_ne!(id(one()), id(vec![lead(1, vec![])]));
        assert_ne!(id(one()), plan(&["run", "other"], one(), 2).unwrap().id);
    }

    #[test]
    fn leads_beyond_the_allowance_are_planned_in_chunks_that_may_use_nothing() {
        let waiting = |n: usize| PlanLead { tokens: 10, ..lead(n, vec![]) };
        let mut allowance = Allowance::new(Some(605));
        let leads = (0..100).map(waiting).collect();
        let plan = Plan::new(&["a"], leads, 2, &mut allowance).unwrap();
        let shares: Vec<(u32, usize, u64)> =
            plan.chunks.iter().map(|c| (c.lane, c.leads.len(), c.share.unwrap())).collect();
        assert_eq!(shares.len(), 4, "{shares:?}");
        assert_eq!(shares.iter().map(|(_, leads, _)| leads).sum::<usize>(), 100);
        assert_eq!(shares.iter().map(|(.., share)| share).sum::<u64>(), 600);
        assert_eq!((shares[2].2, shares[3].2), (0, 0));
        assert_eq!(allowance.left(), Some(0));
    }

    #[test]
    fn more_leads_than_a_plan_takes_are_refused_as_a_whole() {
        let leads: Vec<PlanLead> = vec![lead(1, vec![]); MAX_PLAN_LEADS + 1];
        let error = plan(&["a"], leads, 2).err().unwrap();
        assert!(error.to_string().starts_with("25001 leads are more than a plan takes"));
    }
}
