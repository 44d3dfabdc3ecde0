//! Names, companies and topics that nobody has.

/// First names in several scripts.
pub(super) const FIRST_NAMES: [&str; 28] = [
    "Mara", "Jürgen", "José", "Aoife", "Zoë", "花子", "Łukasz", "Søren", "Anaïs", "Noor", "Tomáš",
    "Benedikt", "Ines", "Käthe", "Rafael", "Imke", "翔太", "Priya", "Wanda", "Olufemi", "Greta",
    "Hanneke", "Björn", "Salma", "Étienne", "Ruth", "Malik", "Tove",
];

/// Last names that are in no telephone book.
pub(super) const LAST_NAMES: [&str; 28] = [
    "Fernwhistle",
    "Brandmöller",
    "Oakenbury",
    "風見",
    "Quillfeather",
    "Lindwurm",
    "Voß-Ahrensen",
    "Marblethwaite",
    "Sonnenhügel",
    "de la Niebla",
    "Copperfold",
    "Windröschen",
    "Ashgrovely",
    "月島",
    "Pepperholm",
    "Nachtigäller",
    "Thistleby",
    "Ravnsborg-Lund",
    "Morgenrøde",
    "Candlewick",
    "Sternwäldle",
    "Hollowmere",
    "Papillonet",
    "Drachenfelser",
    "Winterbourne-Ix",
    "Ámbarez",
    "Foxglovian",
    "Kupferblatt",
];

/// What people say they are.
pub(super) const ROLES: [&str; 14] = [
    "Founder",
    "Head of Operations",
    "Chief Product Officer",
    "Sales Director",
    "Data Engineer",
    "Managing Partner",
    "People Lead",
    "Head of Growth",
    "Geschäftsführerin",
    "CTO",
    "Customer Success Lead",
    "Fractional CFO",
    "Marketing Manager",
    "Plant Manager",
];

/// Companies that are in no register.
pub(super) const COMPANIES: [&str; 16] = [
    "Lanternworks",
    "Nimbus & Nettle",
    "Brightwhale Logistics",
    "Mooskraut Maschinenbau",
    "Tinplate Analytics",
    "Juniper Abacus",
    "Papiermond Verlag",
    "Orchard of Tomorrow",
    "Kestrel & Crumb",
    "Saltwick Robotics",
    "Glasflügel Energie",
    "Umbrella Pine Health",
    "Third Teapot Studio",
    "Velvet Anvil",
    "Wanderkarte Software",
    "Quiet Harbour Capital",
];

/// Ids and names of clients; an id is free text.
pub(super) const CLIENTS: [(&str, &str); 10] = [
    ("Mara-Lindqvist", "Mara Lindqvist"),
    ("Kite-and-Anchor Studio", "Kite & Anchor Studio"),
    ("Tobias-von-Ahorn", "Tobias von Ahorn"),
    ("Perch-Advisory", "Perch Advisory"),
    ("Ngaio-O'Hanlon", "Ngaio O'Hanlon"),
    ("Blaue-Stunde", "Blaue Stunde GmbH"),
    ("Dapple-Grey-Partners", "Dapple Grey Partners"),
    ("Ilse-Marrow", "Ilse Marrow"),
    ("Half-Moon Bakery Group", "Half Moon Bakery Group"),
    ("Corin-Vale", "Corin Vale"),
];

/// A client that is served no more.
pub(super) const FORMER_CLIENT: (&str, &str) = ("Old-Harbour-Consulting", "Old Harbour Consulting");

/// What posts are about, in one word for their permalinks.
pub(super) const TOPICS: [&str; 14] = [
    "automation",
    "hiring",
    "pricing",
    "onboarding",
    "forecasting",
    "leadership",
    "safety",
    "data",
    "retention",
    "logistics",
    "budgets",
    "mentoring",
    "quality",
    "remote",
];
