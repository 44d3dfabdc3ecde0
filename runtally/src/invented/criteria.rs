//! The criteria of the invented rubric.

use shared::schema::post_attributes::{NEGATIVE, POSITIVE};

/// A criterion.
pub(super) struct Criterion {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// `None`: one that the system does not know.
    pub(super) category: Option<&'static str>,
    pub(super) points: i32,
    pub(super) instructions: &'static str,
    pub(super) speaks_for: &'static str,
    pub(super) speaks_against: &'static str,
    pub(super) applies: &'static str,
    pub(super) does_not_apply: &'static str,
    pub(super) is_active: bool,
}

/// The criteria in the order they are stored in.
pub(super) const CRITERIA: [Criterion; 7] = [
    Criterion {
        id: "P2_PRACTICE",
        name: "Speaks from practice",
        category: Some(POSITIVE),
        points: 30,
        instructions: "\
The post tells what the person or their team did, with at least one particular that could be \
checked: a number, a duration, a tool, a mistake and what it cost. Give all points when the post \
tells how something was before and how it is now. Give half when there is a particular but no \
change. Give nothing for opinions about what others should do, or for plans that have not begun.",
        speaks_for: "we measured, it took us, before and after, what went wrong, hours saved, \
in our plant, our first attempt",
        speaks_against: "everyone should, the future of, game changer, five tips",
        applies: "\"It took us eleven days to find out that two departments kept the same list. \
Now there is one, and Fridays are quiet.\"",
        does_not_apply: "\"Digital change begins in the head. Are you ready for tomorrow?\"",
        is_active: true,
    },
    Criterion {
        id: "P1_MANUAL_WORK",
        name: "Names work that is done by hand",
        category: Some(POSITIVE),
        points: 40,
        instructions: "\
The post is about work that is repeated by hand though it follows rules: copying figures, \
comparing lists, chasing approvals, writing the same report every week. Give all points when the \
person describes such work in their own company or with a customer, and says or implies that it \
should stop. Give 20 to 30 when the work is described but seems to be accepted. Give up to 15 when \
the subject is automation in general.",
        speaks_for: "spreadsheet, copy and paste, by hand, duplicate records, waiting for approval, \
nobody reads the report",
        speaks_against: "art, craftsmanship, handmade as a mark of quality",
        applies: "\"A third of the week goes into moving numbers from one sheet into another, and \
on Monday we look for the typing errors.\"",
        does_not_apply: "\"Our bread is still kneaded by hand, and it always will be.\"",
        is_active: true,
    },
    Criterion {
        id: "N1_SELLS",
        name: "Sells the same thing",
        category: Some(NEGATIVE),
        points: -30,
        instructions: "\
The post advertises advice, software or courses of the kind our client offers. Take all points \
when it ends in an offer, a booking link or a promise of results. Take 10 when the person merely \
mentions that this is their trade. A person who looks for help is not selling, even if the company \
they work for does.",
        speaks_for: "book a call, limited places, comment below and I will send you, our new \
webinar, link in the first comment",
        speaks_against: "we are looking for, can anybody recommend, does anyone know",
        applies: "\"I help founders to save twenty hours a week. Three places left in March!\"",
        does_not_apply: "\"Can anybody recommend somebody who knows about stock lists?\"",
        is_active: true,
    },
    Criterion {
        id: "P3_DECIDES",
        name: "Has a say in the matter",
        category: Some(POSITIVE),
        points: 20,
        instructions: "\
The post shows that the person decides about tools, budgets or the way work is done, or is asked \
by those who decide. Judge by what the post says and not by a title. Give all points for a \
decision that the person made or is about to make, half for a recommendation they gave, and \
nothing when decisions are only reported.",
        speaks_for: "we decided, I signed, my team and I chose, we are comparing vendors, budget \
for next year",
        speaks_against: "my manager, head office decided, we were told",
        applies: "\"After the second outage I told the board: we replace it this winter.\"",
        does_not_apply: "\"Great news from head office: a new system is coming!\"",
        is_active: true,
    },
    Criterion {
        id: "C1_REGION",
        name: "Works where our client works",
        category: None,
        points: 10,
        instructions: "\
The post makes plain that the person's company is in Europe, Japan or Oceania. The language of the \
post alone is not enough. Give the points in full or not at all.",
        speaks_for: "names of towns, regional fairs, local associations",
        speaks_against: "nothing in particular",
        applies: "\"See you at the machine fair in Friedrichshafen, hall 3.\"",
        does_not_apply: "\"Working from wherever the light is good.\"",
        is_active: true,
    },
    Criterion {
        id: "N2_HOLLOW",
        name: "Says nothing of its own",
        category: Some(NEGATIVE),
        points: -20,
        instructions: "\
The post consists of phrases that would fit any company: praise for the team, a quotation, a list \
of virtues, a story whose moral was known before. Take all points when nothing would be lost by \
deleting every second sentence. Take 10 when there is one thought and much decoration. Take \
nothing for a short post that has one clear thing to say, and nothing for thanks that name what \
somebody did.",
        speaks_for: "humbled and honoured, so proud, let that sink in, agree?, success is a \
journey, teamwork makes the dream work",
        speaks_against: "a name together with a deed, a figure, a question that is meant",
        applies: "\"Leadership is listening. Leadership is caring. Leadership is a choice. Agree?\"",
        does_not_apply: "\"Thank you, Imke, for staying until the last pallet was counted.\"",
        is_active: true,
    },
    Criterion {
        id: "P4_HIRES",
        name: "Is hiring for operations",
        category: Some(POSITIVE),
        points: 10,
        instructions: "\
The post looks for somebody whose work would be operations, planning or data entry. No longer \
used: it favoured large companies.",
        speaks_for: "we are hiring, join our team",
        speaks_against: "open to work",
        applies: "\"We are looking for a planner for the early shift.\"",
        does_not_apply: "\"I am open to new tasks from May.\"",
        is_active: false,
    },
];
