"""The engines that run nodes: one interface (`base`), Docker containers, local processes."""
