/** What the testbed changes in the machine's network: a bridge, two addresses, two rules. Each piece can be seen, made and undone. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { output, succeeds } from "./command.ts";
import { NETWORK, PORTS, inRun } from "./places.ts";

interface Piece {
  name: string;
  isThere: () => boolean;
  make: () => void;
  undo: () => void;
}

const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
const COMMENT = ["-m", "comment", "--comment", "sparkwright-testbed"];

/**
 * A bridge that was given none takes the lowest address of its ports, so another one whenever pods come and go; those that stay then
 * talk to nobody for ten to fifteen seconds, until they ask for it again.
 */
const HARDWARE_ADDRESS = "02:53:57:00:00:01";

const PIECES: Piece[] = [
  {
    name: `link ${NETWORK.bridge}`,
    isThere: () => succeeds("ip", ["link", "show", NETWORK.bridge]),
    make: () => output("ip", ["link", "add", NETWORK.bridge, "type", "bridge"]),
    undo: () => output("ip", ["link", "delete", NETWORK.bridge]),
  },
  {
    name: `hardware address of ${NETWORK.bridge}`,
    isThere: () => answer("ip", ["link", "show", NETWORK.bridge]).includes(` ${HARDWARE_ADDRESS} `),
    make: () => output("ip", ["link", "set", NETWORK.bridge, "address", HARDWARE_ADDRESS]),
    undo: () => {},
  },
  // The kubelet refuses a node address that no interface has, and an API server advertises it: so it comes first.
  address(`${NETWORK.host}/24`, NETWORK.bridge),
  {
    name: `link ${NETWORK.bridge} up`,
    isThere: () => /[<,]UP[,>]/.test(answer("ip", ["link", "show", NETWORK.bridge])),
    make: () => output("ip", ["link", "set", NETWORK.bridge, "up"]),
    undo: () => {},
  },
  address(`${NETWORK.kubernetes}/32`, "lo"),
  address(`${NETWORK.dns}/32`, "lo"),
  // Stands in for kube-proxy: the one service with a cluster address that pods call is the API server itself.
  rule("nat", "PREROUTING", `-d ${NETWORK.kubernetes}/32 -p tcp --dport 443 -j REDIRECT --to-ports ${PORTS.api}`),
  // Where bridged packets pass the firewall and it drops by default, pods would not reach each other.
  rule("filter", "FORWARD", `-i ${NETWORK.bridge} -o ${NETWORK.bridge} -j ACCEPT`),
];

/** Makes what is missing of the network. Needs root. */
export function ensureNetwork(): void {
  const before = inRun("ip_forward");
  // The bridge plug-in switches forwarding on for the whole machine; `down` puts back what was.
  if (!existsSync(before)) writeFileSync(before, readFileSync(FORWARDING));
  for (const piece of PIECES) if (!piece.isThere()) piece.make();
}

/** Undoes every piece that is there, whoever made it. Needs root. */
export function removeNetwork(): void {
  // A rule may be there twice when two checkouts had a testbed.
  for (const piece of PIECES.toReversed()) for (let at = 0; at < 3 && piece.isThere(); at++) piece.undo();
  const before = inRun("ip_forward");
  if (existsSync(before)) {
    writeFileSync(FORWARDING, readFileSync(before));
    rmSync(before);
  }
}

/** Names of the pieces that are there. */
export function networkPieces(): string[] {
  return PIECES.filter((piece) => piece.isThere()).map((piece) => piece.name);
}

function address(cidr: string, device: string): Piece {
  return {
    name: `address ${cidr} on ${device}`,
    isThere: () => answer("ip", ["-o", "-4", "address", "show", "dev", device]).includes(` ${cidr} `),
    make: () => output("ip", ["address", "add", cidr, "dev", device]),
    undo: () => output("ip", ["address", "delete", cidr, "dev", device]),
  };
}

function rule(table: string, chain: string, words: string): Piece {
  const iptables = (verb: string): string[] => ["-w", "-t", table, verb, chain, ...words.split(" "), ...COMMENT];
  return {
    name: `iptables rule in ${table} ${chain}`,
    isThere: () => succeeds("iptables", iptables("-C")),
    make: () => output("iptables", iptables("-I")),
    undo: () => output("iptables", iptables("-D")),
  };
}

function answer(command: string, args: string[]): string {
  return succeeds(command, args) ? output(command, args) : "";
}
