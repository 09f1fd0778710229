"""FT groups on a Kubernetes cluster: StatefulSets, whoever deployed them."""
