//! Plans harvests into chunks and scores the chunks.
