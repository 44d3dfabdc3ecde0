//! Takes Apify's webhook and POST /runs, and queues the work.
