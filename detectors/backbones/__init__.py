"""The networks that PaDiM and PatchCore read: pictures in, feature maps of three layers out."""
