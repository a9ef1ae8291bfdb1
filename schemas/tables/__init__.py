"""Tables of applicants: files and result sets, read by the contract in one way for every command."""
