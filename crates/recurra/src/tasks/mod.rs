//! What a puzzle is: reading, encoding, checking, symmetries, generating. No model in here.
