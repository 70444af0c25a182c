"""The places where people ask: each adapter turns what it receives into a Question and shows the Reply."""
