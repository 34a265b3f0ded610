// What Calico notes on Nodes for the other nodes.

/** The node's address, with the length of its network's prefix. */
export const IPV4_ADDRESS = 'projectcalico.org/IPv4Address';
/** The address of its VXLAN device. */
export const VXLAN_ADDRESS = 'projectcalico.org/IPv4VXLANTunnelAddr';
