"""Versions of the API group ``resource.k8s.io``: which release serves them, has which fields, and how they are written.

Typed objects are ``v1``. Documents of older versions are rewritten on their plain values before and after.

=============  =====================================================================
``served``     kind and version to the releases that serve them
``rewriting``  a document of any version to ``v1`` and back, and where its fields stood
``v1beta1``    what ``v1beta1`` writes otherwise
``fields``     fields that a release does not have
=============  =====================================================================
"""
