"""HTTP itself: requests, answers, paging, problems; nothing of twins."""
