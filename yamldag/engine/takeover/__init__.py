"""Who goes on with the runs of engines that have died."""
