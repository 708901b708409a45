//! What is in a VPC and says nothing else of itself: all that it does is declared by resources that refer to it. What it does
//! beside that, somebody has added: it is shown as a property that is never declared, and an update takes it away.

/// A resource whose properties are its VPC and its tags, and what others have added. The calls differ in their names.
macro_rules! in_vpc {
    (
        $(#[$doc:meta])*
        $name:ident, const KIND: &'static str = $kind:literal; $(#[$outputs_doc:meta])* $outputs:ident { $(#[$id_doc:meta])* $id:ident: $id_type:ty },
        holding $(#[$part_doc:meta])* $parts:ident: $part:ty, closed $closed:literal, added by $added:path, removed by $remove:path,
        import: $import:expr,
        found by $describe:ident $described:literal $list:ident.$live_id:ident $batch:ident,
        made by $create:ident $created:literal $made:ident $resource_type:ident,
        deleted by $delete:ident $deleted:literal $given:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $name<S: Stage = Declared> {
            /// The VPC that it is in.
            pub vpc_id: S::Of<VpcId>,
            $(#[$part_doc])*
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub $parts: Vec<$part>,
            /// What people see.
            pub tags: Tags,
        }

        impl $name<Declared> {
            /// One in this VPC.
            #[must_use]
            pub fn new(vpc_id: Input<VpcId>, tags: Tags) -> Self {
                Self { vpc_id, $parts: Vec::new(), tags }
            }
        }

        $(#[$outputs_doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $outputs<S: Stage> {
            $(#[$id_doc])*
            pub $id: S::Of<$id_type>,
        }

        impl Declares for $name<Declared> {
            type Resolved = $name<Resolved>;
        }

        #[async_trait]
        impl Resource for $name<Resolved> {
            const KIND: &'static str = $kind;
            const FACTS: Facts = Facts {
                name: Named::ById,
                create_only: CreateOnly::These(&["VpcId"]),
                lists: &[Listed::TAGS],
                tags: Tagging::WithCreate("Tags"),
                loss: Loss::Nothing,
                keeps: &[],
                limits: &[],
                template: Template { own_properties: &[$closed], ..Template::AS_DECLARED },
                times: Times {
                    ready: Span { typical: 1, longest: 300 },
                    gone: Span { typical: 1, longest: 900 },
                },
                import: $import,
                reads: Reads { least: 1, most: 1, together: Some($described) },
                cost: None,
            };
            const SETTLE: Settle = Settle::Token;
            const CLOSED: &'static [&'static str] = &[$closed];
            type Context = Context;
            type Declared = $name<Declared>;
            type Outputs<S: Stage> = $outputs<S>;

            async fn find(
                &self,
                cx: &Context,
                search: &Search,
            ) -> Result<Option<$outputs<Resolved>>, CallError> {
                let request = cx.ec2().$describe().set_filters(Some(found_by(cx, search)));
                let answer = request.send().await.called($described)?;
                let id = answer.$list.unwrap_or_default().into_iter().find_map(|live| live.$live_id);
                Ok(id.map(|id| $outputs { $id: id.into() }))
            }

            async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<$outputs<Resolved>>>>, CallError> {
                let request = cx.ec2().$describe().set_filters(Some(ours(cx)));
                let answer = request.send().await.called($described)?;
                let sighted = answer.$list.unwrap_or_default().into_iter().filter_map(|live| {
                    let outputs = live.$live_id.map(|id| $outputs { $id: id.into() });
                    sighted(cx, outputs, live.tags.as_deref(), None)
                });
                Ok(Some(sighted.collect()))
            }

            async fn create(&self, cx: &Context, intent: &Intent) -> Result<$outputs<Resolved>, CallError> {
                let request = cx
                    .ec2()
                    .$create()
                    .client_token(&intent.token)
                    .vpc_id(self.vpc_id.as_str())
                    .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::$resource_type));
                let answer = request.send().await.called($created).once_visible()?;
                let id = answer.$made.and_then(|live| live.$live_id);
                Ok($outputs { $id: required(id, $created, stringify!($live_id))?.into() })
            }

            async fn poll_ready(
                cx: &Context,
                outputs: &$outputs<Resolved>,
            ) -> Result<Readiness<$outputs<Resolved>>, CallError> {
                Ok(ready_when_seen(describe(cx).$batch.get(&outputs.$id).await?, outputs))
            }

            async fn read(
                &self,
                cx: &Context,
                outputs: &$outputs<Resolved>,
            ) -> Result<Option<Self>, CallError> {
                let live = describe(cx).$batch.get(&outputs.$id).await?;
                let own = |vpc: Option<String>| vpc.unwrap_or_default().into();
                Ok(live.map(|live| Self {
                    $parts: $added(cx, &outputs.$id, &live),
                    vpc_id: own(live.vpc_id),
                    tags: visible(live.tags),
                }))
            }

            async fn update(
                &self,
                cx: &Context,
                outputs: &$outputs<Resolved>,
                changed: &Changed<Self>,
            ) -> Result<$outputs<Resolved>, CallError> {
                if changed.has($closed) {
                    for one in &changed.before.$parts {
                        $remove(cx, &outputs.$id, one).await?;
                    }
                }
                retag(cx, outputs.$id.as_str(), &changed.before.tags, &self.tags).await?;
                Ok(outputs.clone())
            }

            async fn delete(&self, cx: &Context, outputs: &$outputs<Resolved>) -> Result<(), CallError> {
                let request = cx.ec2().$delete().$given(outputs.$id.as_str());
                request.send().await.called($deleted).gone_is_ok()
            }
        }
    };
}
