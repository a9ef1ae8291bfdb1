"""The pages of the site's reference, by what they are made from. Each function returns one page of Markdown."""
