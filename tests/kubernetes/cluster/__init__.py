"""A real Kubernetes cluster of two nodes on this machine, for tests: `python -m tests.kubernetes.cluster`.

It needs no container registry: the servers are built from Go modules, containerd, runc and GlusterFS are
Debian's. Each node is a network and a mount namespace with a containerd and a kubelet of its own; their
cables meet in a bridge in a third network namespace, so that neither ports nor firewall rules of the host
matter. etcd, the servers of the control plane, CoreDNS and the shared file system run on the host. All
processes are in one cgroup, by which `down` finds them. There is one cluster on a machine: its names,
addresses and ports are fixed.
"""
