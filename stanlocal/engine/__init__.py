"""The engines that run nodes, with one interface (`base`): Docker, local processes, Kubernetes."""
