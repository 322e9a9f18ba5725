package dev.berth.gpu.choice;

/**
 * How good a group of devices is. The order is that of preference: the better group is the lesser one.
 *
 * @param minLink NVLinks between the two of the group that have the fewest; 0 for a group of one. More is better: the slowest pair holds up every collective operation
 * @param sum over all pairs of 100 for each NVLink and 10 (another socket) to 60 (same board) for the way over PCI. More is better
 * @param numaNodes that the group spreads over; devices whose node is unknown count as one node. Fewer is better
 * @param fragmentation the same points, over all pairs of one device of the group and one that stays free: what later groups can no longer use. Less is better
 */
public record Figures(int minLink, int sum, int numaNodes, int fragmentation)
        implements Comparable<Figures> {
    @Override
    public int compareTo(Figures other) {
        int order = Integer.compare(other.minLink, minLink);
        order = order != 0 ? order : Integer.compare(other.sum, sum);
        order = order != 0 ? order : Integer.compare(numaNodes, other.numaNodes);
        return order != 0 ? order : Integer.compare(fragmentation, other.fragmentation);
    }
}
