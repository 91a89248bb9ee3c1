//! What reading makes of documents.
