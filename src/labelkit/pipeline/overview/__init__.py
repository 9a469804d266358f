"""What the page of a project shows, gathered part by part."""
